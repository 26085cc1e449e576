"""Metadata from the data reaches the task, must agree with its arguments, and stays in the checkpoint."""

from pathlib import Path

import lightning as L
import pytest
import torch
from small_fit import TINY, Case, Diary, data_of, differences, trainer_for

from triptych import MultiLabelClassifier, UNetSegmenter
from triptych.models.encoder import OFFLINE_ENCODER, build_encoder

SMALL = {"encoder": "resnet18", "encoder_weights": None}
NAMES = ["road", "car", "void", "sky"]


def test_what_was_left_out_is_taken_from_the_data_before_the_network_is_built(noise, make_trainer) -> None:
    model = UNetSegmenter(**SMALL)
    assert model.network is None
    make_trainer(limit_val_batches=1).validate(model, noise, verbose=False)
    assert {name: model.hparams[name] for name in noise.metadata} == noise.metadata
    assert model.network.head[0].out_channels == 4
    assert (model.scores.num_classes, model.scores.ignore_index, model.class_names) == (4, 2, NAMES)


def test_void_is_taken_from_the_data_also_where_the_network_is_already_built(noise, make_trainer) -> None:
    model = UNetSegmenter(num_classes=4, **SMALL)
    assert model.network is not None
    make_trainer().validate(model, noise, verbose=False)
    assert model.last_scores["support"][2] == 0
    assert model.last_scores["support"].sum() == sum((batch["mask"] != 2).sum() for batch in noise.batches)


@pytest.mark.parametrize(
    ("given", "name", "of_data"),
    [
        ({"num_classes": 12}, "num_classes", 4),
        ({"num_classes": 4, "ignore_index": 30}, "ignore_index", 2),
        ({"num_classes": 4, "class_names": ["a", "b", "c", "d"]}, "class_names", NAMES),
        ({"num_classes": 3, "ignore_index": 0, "class_names": ["a", "b", "c"]}, "num_classes", 4),
    ],
)
@pytest.mark.parametrize("stage", ["fit", "validate", "test"])
def test_given_values_that_differ_from_the_data_are_reported_with_both(
    noise, make_trainer, stage, given, name, of_data
) -> None:
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(make_trainer(), stage)(UNetSegmenter(**given, **SMALL), datamodule=noise)
    assert str(caught.value) == (
        f"{name}: the model or its checkpoint has {given[name]!r}, the data {of_data!r}; omit the model's to use "
        "the data's, or choose data that agree."
    )


def test_given_values_that_agree_pass(noise, make_trainer) -> None:
    model = UNetSegmenter(num_classes=4, ignore_index=2, class_names=NAMES, **SMALL)
    make_trainer(limit_val_batches=1).validate(model, noise, verbose=False)


def test_metadata_that_a_task_has_no_argument_for_is_ignored(noise_of, make_trainer) -> None:
    model = UNetSegmenter(**SMALL)
    make_trainer(limit_val_batches=1).validate(model, noise_of({"num_classes": 4, "num_labels": 17}), verbose=False)
    assert "num_labels" not in model.hparams


def test_nothing_given_and_no_data_module_is_reported(noise, make_trainer) -> None:
    model = UNetSegmenter(**SMALL)
    unknown = "num_classes: expected a number, or a data module to take it from; got neither."
    with pytest.raises(ValueError, match="num_classes") as caught:
        make_trainer().validate(model, dataloaders=noise.val_dataloader())
    assert str(caught.value) == unknown
    with pytest.raises(RuntimeError, match="network") as caught:
        model(torch.zeros(1, 3, 32, 32))
    assert str(caught.value) == f"UNetSegmenter: the network is not built yet; {unknown}"


def is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(is_plain(one) for one in value)
    return value is None or type(value) in (bool, int, float, str)


def test_checkpoint_loads_without_data_and_without_the_weights_it_started_from(
    noise, make_trainer, tmp_path: Path
) -> None:
    weights, checkpoint = tmp_path / "weights.pth", tmp_path / "last.ckpt"
    torch.save(build_encoder(OFFLINE_ENCODER, None, 3)[0].state_dict(), weights)
    model = UNetSegmenter(encoder=OFFLINE_ENCODER, encoder_weights=str(weights), max_lr=[1e-5, 1e-3], freeze_to=1)
    trainer = make_trainer(limit_train_batches=2, limit_val_batches=0)
    trainer.fit(model, noise)
    model.network.mean += 7  # a hub's statistics
    trainer.save_checkpoint(checkpoint)
    weights.unlink()
    assert model.hparams["encoder_weights"] == str(weights)

    hparams = torch.load(checkpoint, weights_only=True)["hyper_parameters"]
    assert all(is_plain(value) for value in hparams.values())
    expected = {**noise.metadata, "encoder_weights": None, "max_lr": [1e-5, 1e-3], "freeze_to": 1}
    assert {name: hparams[name] for name in expected} == expected

    loaded = UNetSegmenter.load_from_checkpoint(checkpoint, weights_only=True)
    images = noise.batches[0]["image"]
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), model.eval()(images))


def test_a_task_without_arguments_takes_network_and_scores_from_data_and_checkpoint(
    noise, make_trainer, tmp_path: Path
) -> None:
    trainer = make_trainer(limit_train_batches=2)
    trainer.fit(UNetSegmenter(**SMALL), noise)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    (scores,) = trainer.validate(UNetSegmenter(**SMALL), noise, ckpt_path=tmp_path / "last.ckpt", verbose=False)
    (again,) = trainer.validate(trainer.lightning_module, noise, verbose=False)
    assert scores == again


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start of training")  # frozen batch-norm, which is meant
@pytest.mark.parametrize("train_bn", [True, False])
def test_a_fit_of_the_head_alone_leaves_the_convolutions_of_the_encoder(noise, make_trainer, train_bn) -> None:
    model = UNetSegmenter(num_classes=4, freeze_to=-1, train_bn=train_bn, max_lr=1e-2, **SMALL)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    make_trainer(max_steps=1).fit(model, noise)
    changed = {name for name, tensor in model.network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {"head.0.weight", "decoder.blocks.0.conv1.0.weight", "decoder.blocks.0.conv1.1.running_mean"} <= changed
    assert not any(name.startswith("encoder") and name.endswith("conv1.weight") for name in changed)
    assert ("encoder.bn1.weight" in changed, "encoder.bn1.running_mean" in changed) == (train_bn, train_bn)


def test_optimizer_holds_all_groups_by_name_and_one_cycle_steps_once_a_batch(noise, make_trainer) -> None:
    model = UNetSegmenter(max_lr=[1e-5, 1e-3], freeze_to=-1, weight_decay=0.02, pct_start=0.5, **SMALL)
    trainer = make_trainer(max_epochs=2, limit_val_batches=0)
    trainer.fit(model, noise)
    (optimizer,), (config,) = trainer.optimizers, trainer.lr_scheduler_configs
    assert [group["name"] for group in optimizer.param_groups] == ["encoder_early", "encoder_late", "head"]
    assert [group["initial_lr"] for group in optimizer.param_groups] == pytest.approx([1e-5, 1e-4, 1e-3])
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.02}
    assert (config.interval, config.frequency) == ("step", 1)
    assert (config.scheduler.total_steps, config.scheduler.last_epoch) == (8, 8)


@pytest.mark.parametrize("change", ["constructor", "retune"])
def test_a_slice_object_is_kept_as_text_and_read_back(noise, make_trainer, tmp_path: Path, change: str) -> None:
    given = {"max_lr": slice(1e-3)}
    model = UNetSegmenter(num_classes=4, **SMALL, **(given if change == "constructor" else {}))
    if change == "retune":
        model.retune(**given)
    assert model.hparams["max_lr"] == model.hparams_initial["max_lr"] == "slice(0.001)"
    trainer = make_trainer(limit_train_batches=1, limit_val_batches=0)
    trainer.fit(model, noise)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    loaded = UNetSegmenter.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert loaded.hparams["max_lr"] == "slice(0.001)"
    assert [group["initial_lr"] for group in trainer.optimizers[0].param_groups] == [1e-4, 1e-4, 1e-3]


def trained_groups(model: UNetSegmenter) -> list[bool]:
    """Of each layer group whether all its convolutions train."""
    groups = model.network.layer_groups().values()
    return [all(p.requires_grad for p in parameters if p.ndim > 1) for parameters in groups]


def test_retuning_changes_how_the_next_fit_trains_and_what_the_checkpoint_says(noise, make_trainer, tmp_path) -> None:
    model = UNetSegmenter(num_classes=4, max_lr=1e-2, **SMALL)
    make_trainer(limit_train_batches=1, limit_val_batches=0).fit(model, noise)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tuned = {"max_lr": [1e-5, 1e-3], "weight_decay": 0.3, "pct_start": 0.5, "freeze_to": -1, "train_bn": False}
    tuned["one_cycle"] = "fastai1"
    model.retune(**tuned)
    assert differences(dict(model.state_dict()), weights) == set()
    assert trained_groups(model) == [False, False, True]
    assert not any(p.requires_grad for p in model.network.encoder.parameters())

    with pytest.warns(UserWarning, match="in eval mode at the start of training"):  # frozen batch-norm, which is meant
        (trainer := make_trainer(limit_train_batches=2, limit_val_batches=0)).fit(model, noise)
    (optimizer,), (config,) = trainer.optimizers, trainer.lr_scheduler_configs
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3] * 3
    assert config.scheduler.base_lrs == pytest.approx([1e-5, 1e-4, 1e-3])
    assert (config.scheduler.pct_start, config.scheduler.version) == (0.5, "fastai1")
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    hparams = torch.load(tmp_path / "last.ckpt", weights_only=True)["hyper_parameters"]
    assert {name: hparams[name] for name in tuned} == tuned
    assert trained_groups(UNetSegmenter.load_from_checkpoint(tmp_path / "last.ckpt")) == [False, False, True]


def test_freezing_to_a_group_and_back_needs_no_new_model(noise, make_trainer) -> None:
    known, unknown = UNetSegmenter(num_classes=4, **SMALL), UNetSegmenter(**SMALL)
    for first, trained in [(-1, [False, False, True]), (1, [False, True, True]), (0, [True] * 3)]:
        known.freeze_to(first)
        assert trained_groups(known) == trained
        assert known.hparams["freeze_to"] == first
    unknown.freeze_to(1)  # before there is a network
    make_trainer(limit_val_batches=1).validate(unknown, noise, verbose=False)
    assert trained_groups(unknown) == [False, True, True]


@pytest.mark.parametrize("number", [3, -4])
def test_a_group_that_does_not_exist_is_reported_and_changes_nothing(number: int) -> None:
    model = UNetSegmenter(num_classes=4, freeze_to=1, **SMALL)
    text = r"^freeze_to: expected a number from -3 to 2 \(encoder_early, encoder_late, head\), got "
    with pytest.raises(ValueError, match=text + f"{number}\\.$"):
        model.freeze_to(number)
    assert trained_groups(model) == [False, True, True]
    assert model.hparams["freeze_to"] == 1


def test_what_cannot_be_retuned_is_reported() -> None:
    model = UNetSegmenter(num_classes=4, **SMALL)
    with pytest.raises(ValueError, match="retune") as caught:
        model.retune(max_lr=1.0, encoder="resnet34")
    assert str(caught.value) == (
        "retune: expected any of freeze_to, max_lr, one_cycle, pct_start, train_bn, weight_decay, got encoder."
    )
    assert model.hparams["max_lr"] != 1.0


class Gambler(L.Callback):
    """Takes numbers from torch's generator, before and after each step."""

    def on_train_batch_start(self, *_: object) -> None:
        torch.rand(3)

    def on_train_batch_end(self, *_: object) -> None:
        torch.rand(5)


def test_dropout_depends_on_seed_epoch_and_batch_alone(drawn_tiles: Path, tmp_path: Path) -> None:
    case = Case(epochs=2)

    def losses(seed: int, *callbacks: L.Callback, **settings: object) -> list[float]:
        torch.manual_seed(0)
        model, diary = MultiLabelClassifier(num_labels=17, **TINY), Diary()
        torch.manual_seed(seed)
        trainer_for(case, tmp_path, [*callbacks, diary], **settings).fit(model, data_of(case, drawn_tiles))
        return [loss for _, _, loss, _ in diary.batches]

    expected = losses(0)
    assert losses(0, Gambler()) == expected
    assert losses(0, num_sanity_val_steps=2, val_check_interval=2) == expected
    assert losses(1)[0] != expected[0]
