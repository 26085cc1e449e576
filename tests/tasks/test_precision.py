"""One-cycle and the optimizer go together: in mixed precision with overflows, and with windows that are short."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from small_fit import PEAK, BreakOff, BrokenOffError, Case, differences, fit

from triptych.callbacks import ResumePoint


def scaled(**options: Any) -> dict[str, Any]:
    """Settings for a real float16 autocast and a real scaler on the CPU."""
    scaler = torch.amp.GradScaler("cpu", **options)
    return {"plugins": [MixedPrecision("16-mixed", "cpu", scaler=scaler)]}


class Overflow(L.Callback):
    """Makes the gradients of some batches infinite; numbers count from 1."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.fit_loop.total_batch_idx + 1 in self.numbers:
            next(p for p in reversed(list(pl_module.parameters())) if p.grad is not None).grad.fill_(torch.inf)


class Watch(L.Callback):
    """What each step of the optimizer, or each that was left out, did."""

    def __init__(self) -> None:
        self.moved: list[bool] = []
        self.positions: list[float] = []
        self.skipped: list[float | None] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.before = self._parameters(pl_module)

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if self.moved:
            logged = trainer.callback_metrics.get("train/skipped_steps")
            self.skipped.append(None if logged is None else logged.item())

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        after = self._parameters(pl_module)
        assert all(parameter.isfinite().all() for parameter in after.values())
        self.moved.append(differences(after, self.before) != set())
        self.before = after
        self.positions.append(trainer.lr_scheduler_configs[0].scheduler.position)

    on_train_end = on_train_batch_start

    @staticmethod
    def _parameters(model: L.LightningModule) -> dict[str, torch.Tensor]:
        return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def test_a_step_that_the_scaler_leaves_out_moves_neither_weights_nor_cycle_and_is_counted(
    drawn_tiles: Path, tmp_path: Path
) -> None:
    case, watch = Case(epochs=2), Watch()
    trainer = fit(case, drawn_tiles, tmp_path, [Overflow(1, 4, 7), watch], **scaled(init_scale=256.0))
    taken = [number not in (1, 4, 7) for number in range(1, 11)]
    assert watch.moved == taken
    assert watch.positions == pytest.approx([sum(taken[: number + 1]) / case.steps for number in range(10)])
    assert watch.skipped == [number + 1 - sum(taken[: number + 1]) for number in range(10)]
    assert trainer.lr_scheduler_configs[0].scheduler.skipped == 3


def test_a_scale_that_is_too_high_for_float16_costs_steps_until_it_has_come_down(
    drawn_tiles: Path, tmp_path: Path
) -> None:
    watch, settings = Watch(), scaled(init_scale=2.0**100, backoff_factor=2.0**-49)
    fit(Case(epochs=2), drawn_tiles, tmp_path, [watch], **settings)
    assert watch.moved == [False, False, *[True] * 8]  # at 2 ** 100 and 2 ** 51
    assert watch.skipped[-1] == 2
    assert watch.positions[-1] == pytest.approx(8 / 10)


@pytest.mark.parametrize("bad", [1, 3, 5])
def test_an_overflow_in_any_batch_of_a_window_costs_the_whole_windows_step(
    drawn_tiles: Path, tmp_path: Path, bad: int
) -> None:
    """Five batches an epoch in windows of 3 and 2."""
    case, watch = Case(epochs=2, accumulate=3), Watch()
    fit(case, drawn_tiles, tmp_path, [Overflow(bad), watch], **scaled(init_scale=256.0))
    step_at = 3 if bad <= 3 else 5
    assert [number for number, moved in enumerate(watch.moved, 1) if moved] == [
        number for number in (3, 5, 8, 10) if number != step_at
    ]
    assert watch.positions[-1] == pytest.approx(3 / 4)
    assert watch.skipped[-1] == 1


@pytest.mark.parametrize("accumulate", [1, 3])
def test_without_an_overflow_nothing_is_left_out(drawn_tiles: Path, tmp_path: Path, accumulate: int) -> None:
    watch = Watch()
    trainer = fit(Case(epochs=2, accumulate=accumulate), drawn_tiles, tmp_path, [watch], **scaled(init_scale=256.0))
    assert set(watch.skipped) == {0.0}
    assert watch.positions[-1] == 1
    assert trainer.optimizers[0].param_groups[-1]["lr"] == pytest.approx(PEAK / 1e5)


def test_bfloat16_needs_no_scaler_and_never_leaves_a_step_out(drawn_tiles: Path, tmp_path: Path) -> None:
    watch = Watch()
    trainer = fit(Case(epochs=2), drawn_tiles, tmp_path, [watch], precision="bf16-mixed")
    assert set(watch.skipped) == {None}
    assert all(watch.moved)
    assert (watch.positions[-1], trainer.lr_scheduler_configs[0].scheduler.skipped) == (1, 0)


def test_a_resumed_fit_continues_with_the_scale_and_the_count(drawn_tiles: Path, tmp_path: Path) -> None:
    """The scale has both fallen and grown by then."""
    case, options = Case(epochs=2), {"init_scale": 256.0, "growth_interval": 3}
    last = tmp_path / "last.ckpt"

    def saving(folder: Path, *more: L.Callback) -> list[L.Callback]:
        return [Overflow(2, 8), *more, ResumePoint(1, dirpath=str(folder))]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fit(case, drawn_tiles, tmp_path, saving(tmp_path / "whole"), **scaled(**options))
        with pytest.raises(BrokenOffError):
            fit(case, drawn_tiles, tmp_path, saving(tmp_path, BreakOff("on_train_batch_start", 7)), **scaled(**options))
        assert torch.load(last, weights_only=True)["MixedPrecision"]["scale"] == 256.0
        resumed = fit(case, drawn_tiles, tmp_path, saving(tmp_path), seed=1, ckpt_path=last, **scaled(**options))
    finally:
        torch.set_num_threads(threads)
    assert resumed.lr_scheduler_configs[0].scheduler.skipped == 2
    states = [torch.load(path, weights_only=True) for path in (last, tmp_path / "whole" / "last.ckpt")]
    assert differences(*states) == set()


@pytest.mark.parametrize(
    ("batches", "accumulate", "epochs"), [(5, 1, 1), (5, 2, 3), (4, 3, 2), (3, 3, 2), (2, 4, 3), (5, 4, 1), (1, 1, 1)]
)
def test_the_cycle_ends_exactly_at_its_end_also_with_a_short_last_window(
    drawn_tiles: Path, tmp_path: Path, batches: int, accumulate: int, epochs: int
) -> None:
    case = Case(epochs=epochs, accumulate=accumulate)
    trainer = fit(case, drawn_tiles, tmp_path, limit_train_batches=batches, limit_val_batches=0)
    schedule, (optimizer,) = trainer.lr_scheduler_configs[0].scheduler, trainer.optimizers
    assert schedule.position == 1
    assert schedule.last_epoch == schedule.total_steps == trainer.global_step == -(-batches // accumulate) * epochs
    assert optimizer.param_groups[-1]["lr"] == pytest.approx(PEAK / 1e5)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(PEAK / 1e7)
