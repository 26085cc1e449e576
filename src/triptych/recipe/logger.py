"""Logs of a stage that continue those of the previous stage."""

import time
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger

from triptych.runs.layout import RunLayout

_FIRST_STEP = "first_step"
"""Key of a stage's checkpoint."""


class ContinuedLogger(TensorBoardLogger):
    """Logs into `folder`, with the epochs of the whole recipe; `StageAxis` sees to the steps.

    Args:
        folder: The run's folder.
        first_step: Number of steps of the previous stages.
        first_epoch: Number of epochs of the previous stages, added to every logged epoch.
        resumed_at: Step of this stage from which it resumes; what a killed process logged beyond it is dropped.
    """

    def __init__(self, folder: Path, first_step: int, first_epoch: int, resumed_at: int) -> None:
        super().__init__(
            str(folder.parent), "", folder.name, default_hp_metric=False, purge_step=first_step + max(resumed_at, 1)
        )
        self.folder, self.first_epoch = folder, first_epoch
        self.wait_for_new_file()

    def wait_for_new_file(self) -> None:
        """Waits until a new file, such as that of the next log after a fit, is read after the ones there are.

        TensorBoard reads files in the order of their names, which begin with the second of their creation.
        """
        while RunLayout(self.folder).events(int(time.time())):
            time.sleep(0.05)

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        if "epoch" in metrics:
            metrics = {**metrics, "epoch": self.first_epoch + metrics["epoch"]}
        super().log_metrics(metrics, step)


class StageAxis(L.Callback):
    """Counts the logged steps of a stage from those of the previous stages on, for every logger and callback.

    Args:
        first_step: Number of steps of the previous stages.
    """

    def __init__(self, first_step: int) -> None:
        self.first_step, self._is_counted = first_step, False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not self._is_counted:
            trainer.fit_loop.epoch_loop._batches_that_stepped += self.first_step

    def before_last_step(self, trainer: L.Trainer) -> None:
        """Makes a validation after a fit log where the last validation of the fit would."""
        trainer.fit_loop.epoch_loop._batches_that_stepped = self.first_step + trainer.global_step - 1
        epochs: Any = trainer.fit_loop.epoch_progress.current
        epochs.completed = epochs.ready  # a fit that resumes at its end does not count the last one

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint[_FIRST_STEP] = self.first_step  # the state of a callback would have to be loaded by every Trainer

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """The resumed loop counts them already, unless release 0.1.0 saved its checkpoint."""
        self._is_counted = _FIRST_STEP in checkpoint
