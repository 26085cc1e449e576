"""A signal ends a run well: the step is finished, a resume point is saved, and the exit code is not 0.

A scheduler, `kill` and `docker stop` send SIGTERM, Ctrl-C sends SIGINT, and SLURM a signal before it requeues a job,
SIGUSR1 by default. Lightning ends a fit that gets SIGTERM with exit code 0.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import lightning as L
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector

from triptych.trainer.processes import highest

_SHELL = 128
"""A process that a signal ended has this exit code plus the signal's number."""


class _GoesOn(NamedTuple):
    command: str = ""
    is_saved: bool = False


_NOTHING = _GoesOn()
_goes_on: ContextVar[_GoesOn] = ContextVar("goes_on", default=_NOTHING)


class Stopped(SystemExit):
    """Raised between two steps after a signal; its code is 128 plus the signal's number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(_SHELL + signal_number)


@contextlib.contextmanager
def goes_on_with(command: str, is_saved: bool = False) -> Iterator[None]:
    """Within the context, a run that is stopped says how to go on; of nested contexts the outermost command counts.

    Args:
        command: What to type or call.
        is_saved: Whether there is something to go on with before a `ResumePoint` has saved.
    """
    outer = _goes_on.get()
    token = _goes_on.set(_GoesOn(outer.command or command, outer.is_saved or is_saved))
    try:
        yield
    finally:
        _goes_on.reset(token)


def stop_is_asked(trainer: L.Trainer) -> bool:
    """Whether a signal asks the fit to stop after this step, or in a validation of a single process at once."""
    connector = trainer._signal_connector
    return isinstance(connector, _Signals) and bool(connector.agreed)


def note_resume_point(trainer: L.Trainer, path: Path) -> None:
    """Remembers that the fit can go on from this checkpoint."""
    connector = trainer._signal_connector
    if isinstance(connector, _Signals):
        connector.resume_point = path


def note_predictions(trainer: L.Trainer, path: Path) -> None:
    """Remembers where predictions are written that a stop does not spoil."""
    connector = trainer._signal_connector
    if isinstance(connector, _Signals):
        connector.predictions = path


class StopOnSignal(L.Callback):
    """Stops a run after SIGTERM, SIGINT or SIGUSR1: a fit after the step, an evaluation after the batch.

    All processes of a fit stop after the same step. A `ResumePoint` saves before that. A second SIGINT interrupts at
    once. Under SLURM with automatic requeueing, its signal requeues the job.
    """

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if not isinstance(trainer._signal_connector, _Signals):
            trainer._signal_connector = _Signals(trainer)

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if not trainer.fit_loop._should_accumulate():  # else the step is not finished
            self._agree(trainer)

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        self._stop_if_agreed(trainer)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._agree(trainer)
        self._stop_if_agreed(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._agree(trainer)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stops a fit that was finished nevertheless, so that what follows it is not begun."""
        self._stop_if_agreed(trainer)

    def on_validation_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        self._stop_if_agreed(trainer)

    def on_validation_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Stops, except in a fit with several processes, which have different numbers of batches."""
        signals = _signals(trainer)
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            self._stop(trainer, signals.received)
        elif trainer.world_size == 1:
            signals.agreed = signals.received

    def on_test_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._stop(trainer, _signals(trainer).received)

    def on_predict_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._stop(trainer, _signals(trainer).received)

    def _agree(self, trainer: L.Trainer) -> None:
        signals = _signals(trainer)
        signals.agreed = highest(trainer, signals.received)

    def _stop_if_agreed(self, trainer: L.Trainer) -> None:
        self._stop(trainer, _signals(trainer).agreed)

    def _stop(self, trainer: L.Trainer, number: int) -> None:
        if not number:
            return
        if trainer.is_global_zero:
            where = f" after step {trainer.global_step}" if trainer.state.fn == "fit" else ""
            line = f"stopped by {signal.Signals(number).name}{where}; {_advice(trainer)}."
            print(line, file=sys.stderr, flush=True)
            _requeue(trainer, number)
        raise Stopped(number)


def stop_if_asked(trainer: L.Trainer) -> None:
    """Stops a fit outside of its steps if a signal asks for it; each process must call this."""
    on_signal = StopOnSignal()
    on_signal._agree(trainer)
    on_signal._stop_if_agreed(trainer)


class _Signals(_SignalConnector):
    """Notes a signal, where Lightning's own connector would save in the middle of a step and exit with 0.

    Attributes: `received`, the number of the signal that this process got, and `agreed`, that of which all processes
    know; 0 for none. `resume_point`, from which the fit can go on, and `predictions`, which a stop does not spoil.
    `received_sigterm` stays False, so that Lightning does not act on it.
    """

    def __init__(self, trainer: L.Trainer) -> None:
        super().__init__(trainer)
        self.received = self.agreed = 0
        self.resume_point: Path | None = None
        self.predictions: Path | None = None

    def register_signal_handlers(self) -> None:
        self.received = self.agreed = 0
        if threading.current_thread() is threading.main_thread():
            self._original_handlers = {number: signal.getsignal(number) for number in _stopping(self.trainer)}
            for number in self._original_handlers:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == self.received == signal.SIGINT:
            signal.default_int_handler(number, frame)
        launcher = self.trainer.strategy.launcher
        if not self.received and number != signal.SIGINT and isinstance(launcher, _SubprocessScriptLauncher):
            launcher.kill(number)  # a terminal sends SIGINT to the other processes itself
        self.received = self.received or number


def _signals(trainer: L.Trainer) -> _Signals:
    connector = trainer._signal_connector
    assert isinstance(connector, _Signals)
    return connector


def _stopping(trainer: L.Trainer) -> list[int]:
    """The signals that stop a run on this system; SLURM's that announces a requeue may be another than SIGUSR1."""
    environment = trainer._accelerator_connector.cluster_environment
    requeue = environment.requeue_signal if isinstance(environment, SLURMEnvironment) else None
    names = [name for name in ("SIGTERM", "SIGINT", "SIGUSR1") if hasattr(signal, name)]
    return list({*(int(getattr(signal, name)) for name in names), *([int(requeue)] if requeue else [])})


def _advice(trainer: L.Trainer) -> str:
    goes_on, resume_point = _goes_on.get(), _signals(trainer).resume_point
    if (kept := _signals(trainer).predictions) is not None:
        return f"what was predicted is kept in {kept}"
    if resume_point is None and not goes_on.is_saved:
        return "nothing was saved"
    return f"go on with: {goes_on.command or f'Trainer.fit(..., ckpt_path={str(resume_point)!r})'}"


def _requeue(trainer: L.Trainer, number: int) -> None:
    """Asks SLURM to start the job again, if this signal announced that."""
    environment = trainer._accelerator_connector.cluster_environment
    if isinstance(environment, SLURMEnvironment) and environment.auto_requeue and number == environment.requeue_signal:
        array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
        job = f"{array}_{task}" if array else os.environ["SLURM_JOB_ID"]
        subprocess.run(["scontrol", "requeue", job], check=True)
