"""TensorBoard curves that continue those of the previous stage."""

import time
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger

from triptych.runs.layout import RunLayout


class ContinuedLogger(TensorBoardLogger):
    """Logs into `folder`, on the axis of the whole recipe.

    Args:
        folder: The run's folder.
        first_step: Number of steps of the previous stages, added to every logged step.
        first_epoch: Number of epochs of the previous stages, added to every logged epoch.
        resumed_at: Step of this stage from which it resumes; what a killed process logged beyond it is dropped.
    """

    def __init__(self, folder: Path, first_step: int, first_epoch: int, resumed_at: int) -> None:
        super().__init__(
            folder.parent, "", folder.name, default_hp_metric=False, purge_step=first_step + max(resumed_at, 1)
        )
        self.first_step, self.first_epoch = first_step, first_epoch
        # TensorBoard reads files in the order of their names, which begin with the second of their creation
        while RunLayout(folder).events(int(time.time())):
            time.sleep(0.05)

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        if "epoch" in metrics:
            metrics = {**metrics, "epoch": self.first_epoch + metrics["epoch"]}
        super().log_metrics(metrics, self.first_step + (step or 0))
