"""Keeps one-cycle planned for the steps that a fit really takes."""

import math
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import GradientAccumulationScheduler, Timer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from triptych.optim import OneCycle
from triptych.trainer.step_times import StepTimes

_MANY = 10**9
"""Steps of a cycle whose number of steps is not known yet: it stands still until a step was timed."""


class CyclePlanner:
    """Plans the cycle of a fit: when it starts, from the loaded data; and by time if `max_time` ends it.

    A fit with `max_time` ends when its cycle is complete, at most a step before that time, and then validates.

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
        timers = _timers(trainer)
        self._times, self._is_timed = StepTimes(), bool(timers)
        self._stops_within_epoch = any(timer._interval == "step" for timer in timers)
        self._validate_every = trainer.check_val_every_n_epoch
        left = steps_left(trainer)
        self.first_step, self.last_step = trainer.global_step, trainer.global_step + left
        if left == math.inf and not self._is_timed:
            raise ValueError(
                "one-cycle: expected a known number of steps, but the training data have no length; set max_steps."
            )
        if left:
            cycle.plan(int(min(left, _MANY)))

    def step(self) -> None:
        """Moves the cycle on, unless the gradient scaler found an overflow and skipped the optimizer's step."""
        if self._scales_gradients and not self._has_stepped:
            self.cycle.skip()
        else:
            if self._is_timed and self._missing:
                self._fit_into_time()
            self.cycle.step()
        self._has_stepped = False
        if self._stops_within_epoch and not self._missing:
            self._stop()

    def end_epoch(self) -> None:
        """Ends the fit if its time is over, as after a validation that took longer than expected."""
        if self._is_timed and self.trainer.strategy.broadcast(seconds_left(self.trainer) <= 0):
            self._stop()

    def end(self) -> None:
        """Says that time ended the fit, and warns if that was before the end of its cycle."""
        self._hook.remove()
        self.trainer.check_val_every_n_epoch = self._validate_every
        if self._missing > self.cycle.skipped:
            rank_zero_warn(
                f"one-cycle: the fit ended at {self.cycle.position:.0%} of its cycle, {self._missing} steps before its "
                "end; the rate is still high, so expect a lower score than that of a whole cycle."
            )
        elif self._is_timed and self.trainer.global_step < self.last_step:
            taken, most = self.trainer.global_step - self.first_step, self.last_step - self.first_step
            of_all = "" if most == math.inf else f" of {most}"
            rank_zero_info(f"one-cycle: the time is over, and the cycle complete after {taken}{of_all} steps.")

    @property
    def _missing(self) -> int:
        """Steps to the end of the cycle."""
        return max(0, self.cycle.total_steps - self.cycle.last_epoch)

    def _count(self, *_: Any) -> None:
        self._has_stepped = True

    def _fit_into_time(self) -> None:
        """Spreads the rest of the cycle over the steps that fit into `max_time`, the same number in all processes."""
        self._times.add(self.trainer.current_epoch)
        further = self._times.fit(seconds_left(self.trainer), *self._steps_of_epoch())
        further = self.trainer.strategy.broadcast(further)
        self.cycle.plan(1 + int(min(further, self.last_step - self.trainer.global_step, _MANY)))

    def _steps_of_epoch(self) -> tuple[float, float]:
        """Number of optimizer steps that are left in this epoch, and that a whole epoch has."""
        batches, progress = float(self.trainer.num_training_batches), self.trainer.fit_loop.epoch_loop.batch_progress
        if math.isinf(batches):
            return batches, batches
        accumulated = _accumulation(self.trainer, self.trainer.current_epoch)
        steps = math.ceil(batches / accumulated)
        return steps - math.ceil(progress.current.ready / accumulated), steps

    def _stop(self) -> None:
        """Ends the fit after a validation, also in an epoch that `check_val_every_n_epoch` leaves out."""
        self.trainer.should_stop = True
        if self._validate_every is not None:
            self.trainer.check_val_every_n_epoch = 1


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


def seconds_left(trainer: L.Trainer) -> float:
    """Seconds until the Trainer's `max_time` stops the fit, as this process counts them; infinite without one."""
    return min((timer.time_remaining() or 0.0 for timer in _timers(trainer)), default=math.inf)


def _timers(trainer: L.Trainer) -> list[Timer]:
    """Those with a time; a Timer without one only measures."""
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [one for one in callbacks if isinstance(one, Timer) and one._duration is not None]


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
