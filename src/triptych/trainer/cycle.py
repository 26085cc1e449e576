"""Keeps one-cycle planned for the steps that a fit really takes."""

import math
import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import GradientAccumulationScheduler, Timer
from lightning.pytorch.utilities import rank_zero_warn

from triptych.optim import OneCycle


class CyclePlanner:
    """Plans the cycle of a fit: when it starts, from the loaded data; and by time if `max_time` ends it.

    Args:
        trainer: A Trainer whose training starts.
        cycle: Its schedule.

    Raises:
        ValueError: Neither epochs, steps nor time limit the fit.
    """

    def __init__(self, trainer: L.Trainer, cycle: OneCycle) -> None:
        self.trainer, self.cycle = trainer, cycle
        self._scales_gradients = scales_gradients(trainer)
        self._has_stepped = False
        self._hook = cycle.optimizer.register_step_post_hook(self._count)
        self.began, self.began_at = time.monotonic(), trainer.global_step
        left = steps_left(trainer)
        self.last_step = trainer.global_step + left
        if 0 < left < math.inf:
            cycle.plan(int(left))
        elif left and seconds_left(trainer) is None:
            raise ValueError(
                "one-cycle: expected a known number of steps, but the training data have no length; set max_steps."
            )

    def step(self) -> None:
        """Moves the cycle on, unless the gradient scaler found an overflow and skipped the optimizer's step."""
        if self._scales_gradients and not self._has_stepped:
            self.cycle.skip()
        else:
            self._fit_into_time()
            self.cycle.step()
        self._has_stepped = False

    def _count(self, *_: Any) -> None:
        self._has_stepped = True

    def _fit_into_time(self) -> None:
        """Spreads the rest of the cycle over the steps that fit into `max_time`."""
        seconds = seconds_left(self.trainer)
        if seconds is None or self.cycle.position >= 1:
            return
        taken = self.trainer.global_step - self.began_at
        further = max(0.0, seconds) * taken / (time.monotonic() - self.began)
        self.cycle.plan(int(min(1 + further, 1 + self.last_step - self.trainer.global_step)))

    def end(self) -> None:
        """Warns if the fit ends before its cycle."""
        self._hook.remove()
        missing = self.cycle.total_steps - self.cycle.last_epoch
        if missing > self.cycle.skipped:
            rank_zero_warn(
                f"one-cycle: the fit ended at {self.cycle.position:.0%} of its cycle, {missing} steps before its end; "
                "the rate is still high, so expect a lower score than that of a whole cycle."
            )


def scales_gradients(trainer: L.Trainer) -> bool:
    """Whether the Trainer uses a gradient scaler, as in float16."""
    return getattr(trainer.precision_plugin, "scaler", None) is not None


def find_cycle(trainer: L.Trainer) -> OneCycle | None:
    """The Trainer's one-cycle schedule, if it has one that is stepped."""
    stepped = [config.scheduler for config in trainer.lr_scheduler_configs if config.interval == "step"]
    return next((schedule for schedule in stepped if isinstance(schedule, OneCycle)), None)


def stop_schedules(trainer: L.Trainer) -> None:
    """Steps no schedule in this fit; they are kept, since a model may ask for them. Call it in `on_train_start`."""
    for config in trainer.lr_scheduler_configs:
        config.interval = "never"


def steps_left(trainer: L.Trainer) -> float:
    """Number of optimizer steps to the end of the fit, as training starts; infinite if nothing limits it.

    Counted from the batches of the loaded data, the accumulation of each epoch, and the epochs and steps that are left.
    """
    limit = math.inf if trainer.max_steps < 0 else trainer.max_steps - trainer.global_step
    return max(0, min(limit, _steps_of_epochs(trainer)))


def seconds_left(trainer: L.Trainer) -> float | None:
    """Seconds until the Trainer's `max_time` stops the fit, the same in all processes; None without one."""
    timers = [one for one in trainer.callbacks if isinstance(one, Timer)]  # type: ignore[attr-defined]
    limits = [left for left in (timer.time_remaining() for timer in timers) if left is not None]
    return float(trainer.strategy.broadcast(min(limits))) if limits else None


def _steps_of_epochs(trainer: L.Trainer) -> float:
    loop = trainer.fit_loop
    batches, epochs = float(trainer.num_training_batches), loop.max_epochs or -1
    if math.isinf(batches) or epochs < 0:
        return math.inf
    epoch = loop.epoch_progress.current
    first: int = epoch.processed  # type: ignore[attr-defined]
    steps = [math.ceil(batches / _accumulation(trainer, number)) for number in range(first, epochs)]
    if loop.restarting and epoch.ready > first:  # within an epoch
        done = loop.epoch_loop.batch_progress.current.ready
        steps[0] -= done // _accumulation(trainer, first) if done < batches else steps[0]
    return sum(steps)


def _accumulation(trainer: L.Trainer, epoch: int) -> int:
    """Batches per optimizer step."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, GradientAccumulationScheduler):
            return callback.get_accumulate_grad_batches(epoch)
    return trainer.accumulate_grad_batches
