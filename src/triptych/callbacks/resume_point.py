"""Checkpoints by time and steps, from which a fit that was killed or stopped resumes at the next sample."""

import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from triptych.files import as_path, copy_file, plain_path
from triptych.runs.checkpoint import AtomicCheckpointIO, newest_readable
from triptych.runs.folder import is_in, lock_folder, own_folder, release_folder, settle_folder
from triptych.runs.layout import RunLayout, previous, run_of
from triptych.trainer.processes import highest
from triptych.trainer.stop import note_resume_point, stop_is_asked


class ResumePoint(Checkpoint):
    """Saves `last.ckpt` every minute and after each epoch, and keeps the previous one as `before_last.ckpt`.

    It also saves when a signal stops the fit, see `StopOnSignal`. During gradient accumulation it waits for the
    optimizer step. All checkpoints of the trainer are written atomically, so a kill leaves no incomplete one.
    `Trainer.fit(..., ckpt_path=...)` resumes where one was saved; with a data module of this package, the final weights
    are those of an uninterrupted fit. With `fast_dev_run` nothing is written.

    Args:
        every_n_steps: Optimizer steps after which it saves earlier, at least 1; None saves by time alone.
        dirpath: The folder; None means `checkpoints` in the run folder, see `claim_folder`. Each ModelCheckpoint that
            was not given a folder then writes there too.
        name: Name of the checkpoint, without its suffix.
        every_seconds: Seconds between two checkpoints within an epoch; infinite, without `every_n_steps`, saves after
            each epoch alone.

    Raises:
        ValueError: `every_n_steps` is less than 1.
        FileExistsError: The folder has a checkpoint of that name from another run, or another process writes there,
            when a fit starts.
    """

    best_model_path = ""  # Lightning looks here for `ckpt_path="best"`, and then says that there is none

    def __init__(
        self,
        every_n_steps: int | None = None,
        dirpath: str | None = None,
        name: str = "last",
        every_seconds: float = 60.0,
    ) -> None:
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(f"every_n_steps: expected at least 1, got {every_n_steps}.")
        self.every_n_steps, self.dirpath, self.name, self.every_seconds = every_n_steps, dirpath, name, every_seconds
        self._saved_at, self._saved_time = 0, 0.0
        self._wrote: Path | None = None

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = AtomicCheckpointIO()
        others = [one for one in trainer.callbacks if one is not self]  # type: ignore[attr-defined]
        trainer.callbacks = [*others, self]  # type: ignore[attr-defined]  # last, so that their state is up to date when saved
        if stage == "fit" and self.dirpath is None and not _is_trial(trainer):
            settle_folder(trainer)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._saved_at, self._saved_time = trainer.global_step, time.monotonic()
        if self.dirpath is not None and not _is_trial(trainer):  # after the setup of a ModelCheckpoint in this folder
            lock_folder(trainer, run_of(self.path(trainer)) or as_path(self.dirpath))
        self._refuse_other_run(trainer)
        total: Any = trainer.fit_loop.epoch_loop.val_loop.batch_progress.total
        total.ready = total.started = total.completed  # see `_save_before_validation`

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self._ends_epoch(trainer) and not self._validates_next(trainer):
            self._save_if_due(trainer)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._save_if_stopped(trainer)

    def on_validation_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self._save_if_stopped(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Saves within an epoch: a fit resumed from before a validation would skip that validation."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking and not self._ends_epoch(trainer):
            self._save_if_due(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._save(trainer)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        release_folder(trainer)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        release_folder(trainer)

    def path(self, trainer: L.Trainer) -> Path:
        """Path of the last checkpoint."""
        path = RunLayout(own_folder(trainer)).checkpoint(self.name)
        return as_path(self.dirpath) / path.name if self.dirpath else path

    def _refuse_other_run(self, trainer: L.Trainer) -> None:
        last = self.path(trainer)
        is_ours = last == self._wrote or is_in(trainer.ckpt_path, last.parent)
        if trainer.strategy.broadcast(not is_ours and newest_readable(last) is not None):
            raise FileExistsError(
                f"{last}: expected no checkpoint of another run, got one; resume it, "
                f'`Trainer.fit(..., ckpt_path="{last}")`, or choose another folder.'
            )

    def _ends_epoch(self, trainer: L.Trainer) -> bool:
        return trainer.fit_loop.epoch_loop._num_ready_batches_reached()

    def _validates_next(self, trainer: L.Trainer) -> bool:
        fetcher = trainer.fit_loop._data_fetcher
        return fetcher is not None and trainer.fit_loop.epoch_loop._should_check_val_fx(fetcher)

    def _save_if_due(self, trainer: L.Trainer) -> None:
        steps = trainer.global_step - self._saved_at
        if steps and not trainer.fit_loop._should_accumulate():
            by_steps = self.every_n_steps is not None and steps >= self.every_n_steps
            if by_steps or stop_is_asked(trainer) or highest(trainer, self._minute_is_over()):
                self._save(trainer)

    def _minute_is_over(self) -> bool:
        return time.monotonic() - self._saved_time >= self.every_seconds

    def _save_if_stopped(self, trainer: L.Trainer) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking and stop_is_asked(trainer):
            self._save_before_validation(trainer)

    def _save_before_validation(self, trainer: L.Trainer) -> None:
        """Saves within a validation, so that a resumed fit repeats the whole of it.

        Lightning goes on within a validation if the checkpoint says that a batch of it was begun; the scores of the
        batches before would be missing.
        """
        progress: Any = trainer.fit_loop.epoch_loop.val_loop.batch_progress
        before = progress.total.completed - progress.current.completed
        progress.current.reset()
        progress.total.processed = progress.total.completed = before
        progress.total.ready = progress.total.started = before + 1
        self._save(trainer)

    def _save(self, trainer: L.Trainer) -> None:
        self._saved_at, self._saved_time = trainer.global_step, time.monotonic()
        if _is_trial(trainer):
            return
        last = self._wrote = self.path(trainer)
        if trainer.is_global_zero and last.exists():
            copy_file(last, previous(last))  # at any moment at least one of the two is a complete checkpoint
        trainer.save_checkpoint(plain_path(last), weights_only=False)
        note_resume_point(trainer, last)


def _is_trial(trainer: L.Trainer) -> bool:
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
