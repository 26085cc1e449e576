"""The argument `loss` of each task: in training, in `val/loss`, in checkpoints, and in what is made of them."""

from typing import Any

import pytest
import torch
from segmentation_models_pytorch.losses import DiceLoss
from small_fit import TINY
from torch import Tensor, nn
from torch.nn import functional as F

from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter, show_top_losses, top_losses
from triptych.losses import LossTerms
from triptych.tasks import load
from triptych.tasks.base import TransferTask

SUM = ["cross_entropy", {"name": "dice", "weight": 0.5}]
CHOICES: dict[str, list[Any]] = {
    "camvid": ["cross_entropy", "lovasz", {"name": "focal", "gamma": 3.0}, SUM],
    "biwi": ["mse", {"name": "wing", "w": 0.2}],
    "planet": ["binary_cross_entropy", {"name": "asymmetric", "clip": 0.1}],
}
EACH = [(task, choice) for task, choices in CHOICES.items() for choice in choices]
TASKS: dict[str, type[TransferTask]] = {"camvid": UNetSegmenter, "biwi": PointRegressor, "planet": MultiLabelClassifier}


def scaled_dice(preds: Tensor, target: Tensor) -> Tensor:
    return 10 * DiceLoss("multiclass", ignore_index=30)(preds, target)


@pytest.fixture
def made(make_panel):
    """Makes the data of a task, and its model with a loss."""

    def make(task: str, loss: Any, **arguments: Any):
        torch.manual_seed(0)
        return TASKS[task](**TINY, loss=loss, **arguments), make_panel(task).data

    return make


@pytest.mark.parametrize(("task", "choice"), EACH)
def test_training_and_validation_have_the_chosen_loss_and_a_checkpoint_keeps_it(
    made, make_trainer, tmp_path, task, choice
) -> None:
    model, data = made(task, choice)
    trainer = make_trainer(limit_train_batches=2)
    trainer.fit(model, data)
    model.eval()
    samples = [data.val_dataloader().dataset[i] for i in range(len(data.records["val"]))]
    batch = {key: torch.stack([sample[key] for sample in samples]) for key in ("image", model.target)}
    with torch.no_grad():
        expected = model.mean_loss(model(batch["image"]), batch[model.target])
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(float(expected), rel=1e-5)
    assert trainer.callback_metrics["train/loss"] > 0
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    assert torch.load(tmp_path / "a.ckpt", weights_only=True)["hyper_parameters"]["loss"] == choice
    for loaded in (load.load_model(tmp_path / "a.ckpt"), type(model).from_checkpoint(tmp_path / "a.ckpt")):
        with torch.no_grad():
            assert loaded.eval().mean_loss(loaded(batch["image"]), batch[model.target]) == expected


@pytest.mark.parametrize(
    ("task", "loss"), [("camvid", "cross_entropy"), ("biwi", "mse"), ("planet", "binary_cross_entropy")]
)
def test_a_checkpoint_of_before_has_the_loss_that_was_the_only_one(made, make_trainer, tmp_path, task, loss) -> None:
    model, data = made(task, loss)
    trainer = make_trainer()
    trainer.validate(model, data, verbose=False)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    state = torch.load(tmp_path / "a.ckpt", weights_only=True)
    del state["hyper_parameters"]["loss"]
    torch.save(state, tmp_path / "a.ckpt")
    assert load.load_model(tmp_path / "a.ckpt").hparams["loss"] == loss
    make_trainer().fit(TASKS[task](**TINY), data, ckpt_path=tmp_path / "a.ckpt")


def test_a_fit_that_goes_on_keeps_the_loss_of_its_checkpoint_unless_another_is_given(
    made, make_trainer, tmp_path
) -> None:
    model, data = made("camvid", SUM)
    trainer = make_trainer(limit_train_batches=1)
    trainer.fit(model, data)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    for given, expected in (({}, SUM), ({"loss": "dice"}, "dice")):
        other = UNetSegmenter(**TINY, **given)
        make_trainer(max_epochs=2, limit_train_batches=1).fit(other, data, ckpt_path=tmp_path / "a.ckpt")
        assert other.hparams["loss"] == other.chosen_loss.plain == expected
        assert len(other.split_loss.sum) == (2 if expected == SUM else 1)


@pytest.mark.parametrize("task", TASKS)
def test_an_unknown_loss_is_refused_at_once(task) -> None:
    with pytest.raises(ValueError, match=rf"^loss: expected one of {CHOICES[task][0]}, .*, got 'huber'\.$"):
        TASKS[task](**TINY, loss="huber")


def test_weights_of_classes_and_tags_apply_to_every_named_loss(made) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, tags = torch.randn(2, 4, generator=generator), torch.randint(2, (2, 4), generator=generator).float()
    maps, mask = torch.randn(2, 4, 3, 3, generator=generator), torch.randint(4, (2, 3, 3), generator=generator)
    for name in UNetSegmenter.losses:
        plain, weighted = (
            UNetSegmenter(num_classes=4, **TINY, loss=name, class_weights=w) for w in (None, [4, 2, 1, 0])
        )
        assert plain.mean_loss(maps, mask) != weighted.mean_loss(maps, mask)
    for name in MultiLabelClassifier.losses:
        model = MultiLabelClassifier(num_labels=4, **TINY, loss=name, tag_weights=[4, 2, 1, 0])
        assert model.mean_loss(logits, tags) == model.mean_loss(logits * torch.tensor([1, 1, 1, -9]), tags)


@pytest.mark.parametrize(("task", "weights"), [(UNetSegmenter, "class_weights"), (MultiLabelClassifier, "tag_weights")])
def test_weights_beside_a_function_are_refused(task, weights) -> None:
    number = {task.target_hparams[0]: 2}
    with pytest.raises(ValueError, match=rf"^{weights}: expected null beside a function as loss, "):
        task(**number, **TINY, loss=F.cross_entropy, **{weights: [1, 2]})


@pytest.mark.parametrize("function", [scaled_dice, nn.CrossEntropyLoss(torch.ones(32), ignore_index=30)])
def test_a_function_trains_and_scores_and_its_checkpoint_predicts_without_it(
    made, make_trainer, tmp_path, function
) -> None:
    model, data = made("camvid", function)
    trainer = make_trainer(limit_train_batches=1)
    trainer.fit(model, data)
    samples = [data.val_dataloader().dataset[i] for i in range(4)]
    images, masks = (torch.stack([sample[key] for sample in samples]) for key in ("image", "mask"))
    model.eval()
    with torch.no_grad():  # the mean of batches of 3 and 1
        parts = [function(model(images[part]), masks[part]) for part in (slice(0, 3), slice(3, 4))]
    assert float(trainer.callback_metrics["val/loss"]) == pytest.approx(float((3 * parts[0] + parts[1]) / 4), rel=1e-5)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    loaded = UNetSegmenter.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    assert loaded.hparams["loss"] is None
    assert torch.equal(loaded.eval()(images), model(images))
    with pytest.raises(ValueError, match=r"^loss: expected cross_entropy, .* got None, .* pass the function again"):
        make_trainer().validate(loaded, data, verbose=False)
    with pytest.raises(ValueError, match=r"^loss: expected cross_entropy, .* got None"):
        make_trainer(max_epochs=2).fit(UNetSegmenter(**TINY), data, ckpt_path=tmp_path / "a.ckpt")
    again = UNetSegmenter.load_from_checkpoint(tmp_path / "a.ckpt", loss=function)
    make_trainer(max_epochs=2, limit_train_batches=1).fit(again, data, ckpt_path=tmp_path / "a.ckpt")


def test_a_checkpoint_that_had_a_function_shows_the_losses_of_the_default_and_says_so(
    made, save_run, monkeypatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(load, "rank_zero_info", said.append)
    model, data = made("camvid", scaled_dice, num_classes=32, ignore_index=30)
    run = save_run(model)
    found = top_losses(run, data)
    (line,) = said
    words = "was trained with a function as loss, which no checkpoint holds; its losses here are cross_entropy."
    assert line.endswith(f"best.ckpt: {words}")
    assert found == top_losses(UNetSegmenter.from_checkpoint(run, loss="cross_entropy"), data)
    show_top_losses(run, data, 1)


def test_top_losses_of_a_loss_of_images_average_to_val_loss(made, make_trainer) -> None:
    model, data = made("camvid", "dice")
    (logged,) = make_trainer().validate(model, data, verbose=False)
    losses = [one.loss for one in top_losses(model, data)]
    assert sum(losses) / len(losses) == pytest.approx(logged["val/loss"], rel=1e-5)


def test_a_subclass_takes_the_chosen_loss_and_adds_to_it() -> None:
    class Twice(UNetSegmenter):
        def loss(self, preds: Tensor, target: Tensor) -> LossTerms:
            terms = super().loss(preds, target)
            return LossTerms(2 * terms.sum, terms.weight)

    maps, mask = torch.randn(2, 4, 3, 3), torch.randint(4, (2, 3, 3))
    plain, twice = (task(num_classes=4, **TINY, loss=SUM) for task in (UNetSegmenter, Twice))
    assert twice.mean_loss(maps, mask) == 2 * plain.mean_loss(maps, mask)
