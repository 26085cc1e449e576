"""`Average`: what it averages, where the average is found, and that a resumed fit ends as an unbroken one."""

import math
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import small_fit
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from small_fit import BreakOff, BrokenOffError, Case, Diary, data_of, differences, fit, model_of
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from triptych import MultiLabelClassifier, Stage, UNetSegmenter, run_recipe
from triptych.callbacks import Average, ResumePoint

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
]


def tensors(model: L.LightningModule) -> dict[str, Tensor]:
    """Copies of all parameters and buffers, as they are in the model now."""
    return {name: one.detach().clone() for name, one in [*model.named_parameters(), *model.named_buffers()]}


class Record(L.Callback):
    """Keeps the weights after each optimizer step, and those of each validation."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        if trainer.global_step > len(self.steps):
            self.steps.append(tensors(pl_module))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.validated.append(tensors(pl_module))


def obvious(steps: list[dict[str, Tensor]], horizon: float) -> dict[str, Tensor]:
    """The mean of the recorded weights, each counted by its age; integers are the last."""
    counts = [math.exp(-(len(steps) - 1 - k) / horizon) for k in range(len(steps))]
    return {
        name: sum(count * step[name].double() for count, step in zip(counts, steps, strict=True)) / sum(counts)
        if last.is_floating_point()
        else last
        for name, last in steps[-1].items()
    }


def assert_near(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor.double(), expected[name].double(), rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    "case",
    [Case("planet"), Case("planet", accumulate=3), Case("camvid", freeze_to=-1, epochs=2), Case("biwi", epochs=2)],
)
def test_it_is_the_mean_of_the_weights_after_each_step_counted_by_their_age(case: Case, roots, tmp_path: Path) -> None:
    record = Record()
    trainer = fit(case, roots[case.task], tmp_path, [Average(0.3), record])
    assert len(record.steps) == case.steps
    expected = obvious(record.steps, 0.3 * case.steps)
    assert_near(tensors(trainer.lightning_module), expected)
    assert_near(record.validated[-1], expected)
    half = len(record.steps) // case.epochs
    assert_near(record.validated[0], obvious(record.steps[:half], 0.3 * case.steps))
    moved = max((expected[name] - last).abs().max() for name, last in record.steps[-1].items())
    assert moved > 1e-3


def test_far_from_the_start_it_is_torchs_exponential_average(roots, tmp_path: Path) -> None:
    case, record, horizon = Case("planet", epochs=8), Record(), 0.02
    trainer = fit(case, roots["planet"], tmp_path, [Average(horizon), record])
    model = model_of(case)
    model.configure_model() if model.network else model.load_state_dict(trainer.lightning_module.state_dict())
    decay = math.exp(-1 / (horizon * case.steps))
    torchs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))
    for step in record.steps:
        for name, parameter in model.named_parameters():
            parameter.data.copy_(step[name])
        torchs.update_parameters(model)
    found = tensors(trainer.lightning_module)
    for name, parameter in torchs.module.named_parameters():
        torch.testing.assert_close(found[name], parameter.data, rtol=1e-5, atol=1e-6)


def test_the_fit_itself_is_the_one_without_it(roots, tmp_path: Path) -> None:
    case, with_it, without = Case("planet"), Record(), Record()
    fit(case, roots["planet"], tmp_path, [Average(), with_it])
    fit(case, roots["planet"], tmp_path, [without])
    assert differences(with_it.steps, without.steps) == set()


def saved(path: Path) -> Any:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("only_weights", [False, True])
def test_every_checkpoint_has_the_average_as_its_weights(only_weights: bool, roots, tmp_path: Path) -> None:
    case, record = Case("camvid", epochs=1), Record()
    keep = ModelCheckpoint(
        tmp_path, "{step}", save_top_k=-1, every_n_train_steps=1, save_weights_only=only_weights, monitor=None
    )
    best = ModelCheckpoint(tmp_path, "best", monitor="val/loss", save_weights_only=only_weights)
    trainer = fit(case, roots["camvid"], tmp_path, [keep, best, Average(0.5), record])
    for step in range(1, case.steps + 1):
        path = tmp_path / f"step={step}.ckpt"
        loaded = UNetSegmenter.load_from_checkpoint(path, weights_only=True)
        assert_near(tensors(loaded), obvious(record.steps[:step], 0.5 * case.steps))
        assert ("callbacks" in saved(path)) is not only_weights
    (validated,) = [one for one in record.validated if not differences(one, tensors_of(tmp_path / "best.ckpt"))]
    assert validated
    trainer.save_checkpoint(tmp_path / "after.ckpt", weights_only=only_weights)
    assert differences(tensors_of(tmp_path / "after.ckpt"), tensors(trainer.lightning_module)) == set()


def tensors_of(path: Path) -> dict[str, Tensor]:
    return tensors(UNetSegmenter.load_from_checkpoint(path, weights_only=True))


SETTINGS: list[tuple[Case, int, str, int, dict[str, Any]]] = [
    (Case("planet", accumulate=3), 1, "on_after_backward", 9, {}),
    (Case("planet"), 1, "on_train_epoch_start", 2, {}),
    (Case("camvid", freeze_to=-1), 2, "on_validation_start", 2, {"val_check_interval": 2}),
    (Case("biwi"), 3, "on_train_batch_end", 7, {}),
    (Case("planet"), 2, "on_train_batch_end", 8, {"precision": "bf16-true"}),
]


@pytest.mark.parametrize(("case", "every", "hook", "at", "settings"), SETTINGS)
def test_a_fit_that_is_resumed_ends_as_one_that_was_not_broken_off(
    case: Case, every: int, hook: str, at: int, settings: dict[str, Any], roots, tmp_path: Path
) -> None:
    def run(folder: Path, extra: list[L.Callback], **more: Any) -> L.Trainer:
        callbacks = [*extra, Average(0.3), ResumePoint(every, dirpath=str(folder))]
        return fit(case, roots[case.task], folder, callbacks, **settings, **more)

    whole, again, record, resumed_record = Diary(), Diary(), Record(), Record()
    unbroken = run(tmp_path / "whole", [whole, record])
    with pytest.raises(BrokenOffError):
        run(tmp_path / "broken", [BreakOff(hook, at)])
    resumed = run(tmp_path / "broken", [again, resumed_record], seed=1, ckpt_path=tmp_path / "broken" / "last.ckpt")
    assert whole.batches[-len(again.batches) :] == again.batches
    assert again.logged and again.logged.items() <= whole.logged.items()
    assert differences(resumed_record.validated, record.validated[-len(resumed_record.validated) :]) == set()
    assert differences(tensors(resumed.lightning_module), tensors(unbroken.lightning_module)) == set()
    assert differences(saved(tmp_path / "broken" / "last.ckpt"), saved(tmp_path / "whole" / "last.ckpt")) == set()


def test_a_fit_resumed_for_more_epochs_averages_over_the_longer_fit(roots, tmp_path: Path) -> None:
    case, first, then = Case("planet", epochs=1), Record(), Record()
    fit(case, roots["planet"], tmp_path, [Average(0.2), ResumePoint(dirpath=str(tmp_path)), first])
    longer = case._replace(epochs=4)
    then.steps = list(first.steps)
    trainer = fit(longer, roots["planet"], tmp_path, [Average(0.2), then], ckpt_path=tmp_path / "last.ckpt")
    assert trainer.global_step == len(then.steps) == longer.steps
    found = tensors(trainer.lightning_module)
    recent = obvious(then.steps[case.steps :], 0.2 * longer.steps)
    far = max(float((found[name] - recent[name]).abs().max()) for name in found)
    assert far < 0.1 * max(float((first.steps[-1][name] - recent[name]).abs().max()) for name in found)


def test_thresholds_are_those_chosen_on_the_average(roots, tmp_path: Path) -> None:
    case = Case("planet", epochs=2)
    trainer = fit(case, roots["planet"], tmp_path, [Average(0.5), ResumePoint(dirpath=str(tmp_path))])
    model = MultiLabelClassifier.load_from_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    assert torch.equal(model.thresholds, trainer.lightning_module.thresholds)
    small_fit.trainer_for(case, tmp_path).validate(model, data_of(case, roots["planet"]), verbose=False)
    chosen = model.thresholds.clone()
    model.choose_thresholds(model.last_scores["probabilities"], model.last_scores["target"])
    assert torch.equal(model.thresholds, chosen)


def test_a_gradient_scalers_skipped_step_does_no_harm(roots, tmp_path: Path) -> None:
    class Skipped(L.Callback):
        """A scaler that found an overflow calls no step; the weights stay."""

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            if trainer.global_step == 3:
                for parameter in pl_module.parameters():
                    parameter.grad = None

    case, record = Case("planet", epochs=2), Record()
    trainer = fit(case, roots["planet"], tmp_path, [Skipped(), Average(0.3), record])
    assert_near(tensors(trainer.lightning_module), obvious(record.steps, 0.3 * case.steps))


@pytest.mark.parametrize("horizon", [0, -0.1, 1.5])
def test_a_horizon_is_a_fraction(horizon: float) -> None:
    text = rf"^horizon: expected a fraction of the fit's steps, above 0 and up to 1, got {horizon}\.$"
    with pytest.raises(ValueError, match=text):
        Average(horizon)


def test_each_stage_of_a_recipe_has_an_average_that_the_next_one_starts_from(roots, tmp_path: Path) -> None:
    def recipe(folder: Path, callbacks: list[L.Callback], resume: bool = False) -> UNetSegmenter:
        model = UNetSegmenter(**small_fit.TINY)
        stages = [Stage("head", epochs=1, freeze_to=-1, max_lr=1e-2), Stage("all", epochs=2, freeze_to=0)]
        settings = {"accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}
        data = data_of(Case("camvid"), roots["camvid"])
        run_recipe(model, data, stages, {**settings, "callbacks": callbacks}, folder, resume=resume, every_n_steps=1)
        return model

    starts: list[dict[str, Tensor]] = []

    class Start(L.Callback):
        def on_train_start(self, trainer: Any, pl_module: L.LightningModule) -> None:
            starts.append(tensors(pl_module))

    whole = recipe(tmp_path / "whole", [Average(0.5), Start()])
    first = tensors_of(tmp_path / "whole" / "checkpoints" / "1-head.ckpt")
    assert differences(starts[1], first) == set()
    assert differences(tensors_of(tmp_path / "whole" / "checkpoints" / "2-all.ckpt"), tensors(whole)) == set()
    with pytest.raises(BrokenOffError):
        recipe(tmp_path / "broken", [Average(0.5), BreakOff("on_train_batch_end", 7)])
    resumed = recipe(tmp_path / "broken", [Average(0.5)], resume=True)
    assert differences(tensors(resumed), tensors(whole)) == set()
