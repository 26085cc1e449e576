"""The cycle ends with the fit, whatever decides how many steps that has, and no sample is left out on the way."""

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from clock import Clock
from lightning.pytorch.callbacks import BatchSizeFinder, EarlyStopping, GradientAccumulationScheduler, ModelCheckpoint
from lightning.pytorch.callbacks import LearningRateFinder as LightningsFinder
from small_fit import BreakOff, BrokenOffError, Case, data_of, model_of, trainer_for
from torch.utils.data import DataLoader, IterableDataset

from triptych.callbacks import ResumePoint

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers:UserWarning", "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)
PEAK, LAST = 1e-2, pytest.approx(1e-7)
CASE = Case("planet")


class Watch(L.Callback):
    """The rate of the head in each batch, and the samples of each epoch."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.samples: Counter[tuple[int, str]] = Counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, *_: Any) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[-1]["lr"])
        self.samples.update((trainer.current_epoch, path) for path in batch["path"])


def fit(
    root: Path, folder: Path, *callbacks: L.Callback, data: Any = None, ckpt_path: Any = None, **settings: Any
) -> Any:
    """The trainer of a finished fit, and what was watched."""
    L.seed_everything(0, verbose=False)
    watch = Watch()
    trainer = trainer_for(CASE, folder, [*callbacks, watch], limit_val_batches=1, **settings)
    trainer.fit(model_of(CASE), data_of(CASE, root) if data is None else data, ckpt_path=ckpt_path)
    return trainer, watch


def rate_after(trainer: L.Trainer) -> float:
    rate: float = trainer.optimizers[0].param_groups[-1]["lr"]
    return rate


COMBINATIONS = list(
    itertools.product(
        [1, 2, 3],  # epochs
        [1, 2, {0: 2, 1: 1}],  # accumulation
        [1.0, 3],  # limit_train_batches
        [-1, 4],  # max_steps
        [2, 5, 8],  # batch size of a resumed fit, after a kill in the first epoch
    )
)


@pytest.mark.parametrize("case", random.Random(0).sample(COMBINATIONS, 10), ids=str)
def test_the_last_rate_is_that_of_the_end_of_the_cycle_also_after_a_resume_with_another_batch_size(
    drawn_tiles: Path, tmp_path: Path, case: Any
) -> None:
    epochs, accumulation, limit, max_steps, resumed_size = case
    settings: dict[str, Any] = {"max_epochs": epochs, "limit_train_batches": limit, "max_steps": max_steps}
    callbacks: list[L.Callback] = []
    if isinstance(accumulation, dict):
        callbacks = [GradientAccumulationScheduler(accumulation)]
    else:
        settings["accumulate_grad_batches"] = accumulation
    trainer, _ = fit(drawn_tiles, tmp_path, *callbacks, **settings)
    assert rate_after(trainer) == LAST
    first = Watch()
    with pytest.raises(BrokenOffError):
        fit(
            drawn_tiles,
            tmp_path,
            *callbacks,
            first,
            BreakOff("on_train_batch_start", 3),
            ResumePoint(1, str(tmp_path)),
            **settings,
        )
    data = data_of(CASE, drawn_tiles)
    data.batch_size = resumed_size
    trainer, second = fit(drawn_tiles, tmp_path, *callbacks, data=data, ckpt_path=tmp_path / "last.ckpt", **settings)
    assert rate_after(trainer) == LAST
    if limit == 1.0 and max_steps < 0:
        of_first_epoch = {path for epoch, path in first.samples + second.samples if epoch == 0}
        assert len(of_first_epoch) == len(data.records["train"])


def test_a_batch_size_that_lightning_finds_is_planned_for(drawn_tiles: Path, tmp_path: Path) -> None:
    finder = BatchSizeFinder(mode="power", steps_per_trial=1, init_val=2, max_trials=2)
    trainer, watch = fit(drawn_tiles, tmp_path, finder, max_epochs=2)
    assert max(watch.rates) > 0.9 * PEAK
    assert rate_after(trainer) == LAST


def test_a_rate_that_lightning_finds_is_used(drawn_tiles: Path, tmp_path: Path) -> None:
    finder = LightningsFinder(min_lr=1e-6, max_lr=1e-3, num_training_steps=25, attr_name="max_lr")
    trainer, watch = fit(drawn_tiles, tmp_path, finder, max_epochs=6)
    found = trainer.lightning_module.hparams["max_lr"]
    assert found == finder.optimal_lr.suggestion()
    assert max(watch.rates[-25:]) == pytest.approx(found, rel=0.1)


def test_the_same_trainer_with_more_epochs_goes_through_a_whole_new_cycle(drawn_tiles: Path, tmp_path: Path) -> None:
    model, data = model_of(CASE), data_of(CASE, drawn_tiles)
    trainer = trainer_for(CASE, tmp_path, [watch := Watch()], max_epochs=1)
    trainer.fit(model, data)
    trainer.fit_loop.max_epochs = 3
    trainer.fit(model, data)
    assert max(watch.rates[5:]) > 0.9 * PEAK
    assert rate_after(trainer) == LAST


def test_a_fit_that_time_ends_goes_through_its_whole_cycle(drawn_tiles: Path, tmp_path: Path) -> None:
    trainer, watch = fit(drawn_tiles, tmp_path, max_epochs=1000, max_time={"seconds": 6})
    assert max(watch.rates) > 0.5 * PEAK
    assert rate_after(trainer) == LAST


TIMED: dict[str, tuple[float, float, int, int]] = {  # seconds of a validation, of the fit; steps, validations
    "in the third epoch": (10, 33, 13, 3),
    "in the second validation, so at the end of that epoch": (10, 28, 10, 2),
    "shortly after the second validation": (10, 30.5, 10, 2),
    "not before the epochs are over": (10, 1000, 40, 8),
}


@pytest.mark.parametrize("when", TIMED)
def test_time_that_is_over_ends_the_fit_at_the_end_of_its_cycle_with_a_validation(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    validation, seconds, steps, validations = TIMED[when]
    clock = Clock(monkeypatch, 1, validation)
    best = ModelCheckpoint(tmp_path, "best", monitor="val/loss")
    trainer, watch = fit(drawn_tiles, tmp_path, clock, best, max_epochs=8, max_time={"seconds": seconds})
    assert (trainer.global_step, clock.validations) == (steps, validations)
    assert rate_after(trainer) == LAST
    assert max(watch.rates) > 0.9 * PEAK and watch.rates[-1] < 0.3 * PEAK
    scores = torch.load(best.best_model_path, weights_only=True)["callbacks"][best.state_key]
    assert len(best.best_k_models) == 1 and best.current_score == trainer.callback_metrics["val/loss"]
    assert scores["best_model_score"] <= best.current_score


def test_time_that_is_not_over_leaves_the_cycle_alone(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, alone = fit(drawn_tiles, tmp_path, max_epochs=3)
    clock = Clock(monkeypatch, 1, 10)
    _, timed = fit(drawn_tiles, tmp_path, clock, max_epochs=3, max_time={"seconds": 1000})
    assert timed.rates == alone.rates


def test_a_validation_that_takes_all_the_time_is_the_last_one(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, 1, 500)
    with pytest.warns(UserWarning, match="^one-cycle: the fit ended at "):
        trainer, _ = fit(drawn_tiles, tmp_path, clock, max_epochs=8, max_time={"seconds": 100})
    assert (trainer.global_step, clock.validations) == (5, 1)


@pytest.mark.parametrize("every", [3, None])
def test_the_last_weights_of_a_timed_fit_are_validated_whatever_the_interval(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int | None
) -> None:
    clock = Clock(monkeypatch, 1)
    interval = {"check_val_every_n_epoch": every, "val_check_interval": 4 if every is None else 1.0}
    trainer, _ = fit(drawn_tiles, tmp_path, clock, max_epochs=8, max_time={"seconds": 6}, **interval)
    assert (trainer.global_step, clock.validations) == (6, 1 if every else 2)
    assert trainer.check_val_every_n_epoch == every


class Slower(L.Callback):
    """Makes the steps of the clock slower in the middle of the fit."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.current_epoch == 10:
            self.clock.step *= 3


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_machine_that_gets_slower_shortens_the_rest_of_the_cycle_without_a_jump(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    clock = Clock(monkeypatch, 1, 2)
    most = {"max_epochs": 20, "max_time": {"seconds": 140}, "accumulate_grad_batches": accumulate}
    trainer, watch = fit(drawn_tiles, tmp_path, clock, Slower(clock), **most)
    assert 50 + 14 <= len(watch.rates) <= 50 + 25
    assert rate_after(trainer) == LAST
    assert 140 - 2 * 3 <= clock.now - 1000 - 2 <= 140  # without the validation at the end
    assert max(abs(a - b) for a, b in itertools.pairwise(watch.rates)) < 0.15 * PEAK


class Endless(IterableDataset):
    def __init__(self, samples: Any) -> None:
        self.samples = samples

    def __iter__(self) -> Any:
        return itertools.cycle([self.samples[i] for i in range(4)])


@pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
def test_data_without_a_length_are_planned_by_steps_or_refused(drawn_tiles: Path, tmp_path: Path) -> None:
    data = data_of(CASE, drawn_tiles)
    data.setup("fit")
    loader = DataLoader(Endless(data.val_dataloader().dataset), batch_size=2)
    case = trainer_for(CASE, tmp_path, [watch := Watch()], max_epochs=-1, max_steps=6, limit_val_batches=0)
    model = model_of(CASE)
    model.resolve(data.metadata)
    case.fit(model, loader)
    assert len(watch.rates) == 6 and rate_after(case) == LAST
    with pytest.raises(ValueError, match=r"^one-cycle: expected a known number of steps, .* set max_steps\.$"):
        trainer_for(CASE, tmp_path, max_epochs=1, limit_val_batches=0).fit(model, loader)


def test_a_fit_that_ends_before_its_cycle_says_so(drawn_tiles: Path, tmp_path: Path) -> None:
    stop = EarlyStopping("val/loss", min_delta=100.0, patience=1)
    with pytest.warns(UserWarning, match=r"^one-cycle: the fit ended at 67% of its cycle, 5 steps before its end; .*"):
        fit(drawn_tiles, tmp_path, stop, max_epochs=3)


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`, callbacks used to create the checkpoint")
def test_hyper_parameters_that_are_given_go_before_those_of_a_checkpoint(drawn_tiles: Path, tmp_path: Path) -> None:
    keep = ModelCheckpoint(tmp_path, "one", save_on_train_epoch_end=True)
    fit(drawn_tiles, tmp_path, keep, max_epochs=1)
    model = model_of(CASE)
    model.retune(max_lr=1e-4, weight_decay=0.5)
    trainer = trainer_for(CASE, tmp_path, [watch := Watch()], max_epochs=2)
    trainer.fit(model, data_of(CASE, drawn_tiles), ckpt_path=tmp_path / "one.ckpt")
    assert max(watch.rates) == pytest.approx(1e-4, rel=0.1)
    assert {group["weight_decay"] for group in trainer.optimizers[0].param_groups} == {0.5}
    assert torch.isfinite(torch.tensor(watch.rates)).all()
