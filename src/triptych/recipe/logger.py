"""TensorBoard curves that go on where those of the stage before ended."""

import time
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from triptych.runs.layout import RunLayout


class ContinuedLogger(TensorBoardLogger):
    """Logs into `folder`, on the axis of the whole recipe.

    Args:
        folder: The run's folder.
        first_step: Steps of the stages before, which are added to every step that is logged.
        first_epoch: Epochs of the stages before.
        resumed_at: Step of this stage from which it goes on; what a killed process had logged beyond is dropped.
    """

    def __init__(self, folder: Path, first_step: int, first_epoch: int, resumed_at: int) -> None:
        super().__init__(
            folder.parent, "", folder.name, default_hp_metric=False, purge_step=first_step + max(resumed_at, 1)
        )
        self.first_step, self.first_epoch = first_step, first_epoch
        # TensorBoard reads files in the order of their names, which begin with the second they were made in
        while RunLayout(folder).events(int(time.time())):
            time.sleep(0.05)

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        if "epoch" in metrics:
            metrics = {**metrics, "epoch": self.first_epoch + metrics["epoch"]}
        super().log_metrics(metrics, self.first_step + (step or 0))
