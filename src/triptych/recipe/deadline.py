"""The time limit of a stage of a recipe with a budget."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Timer

from triptych.recipe.plan import StagePlan

_KEY = "deadline"
"""Key of a stage's checkpoint."""


class Deadline(Timer):
    """Ends a stage so that the recipe keeps its budget; the stage's cycle is fitted into the time, see `CyclePlanner`.

    A resumed stage keeps its time limit, and counts the time that it took before.

    Args:
        plans: The plans of the stage and of those that follow.
        seconds: What is left of the budget when its training starts. The stage gets what the following ones do not
            need, but at least the time of one epoch.
    """

    def __init__(self, plans: Sequence[StagePlan], seconds: float) -> None:
        stage, *following = plans
        after = stage.seconds_per_validation + stage.seconds_after + sum(plan.seconds for plan in following)
        super().__init__(timedelta(seconds=max(seconds - after, stage.seconds_per_epoch)), verbose=False)
        self.trained = 0.0

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.trained = self.time_elapsed()

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the state of a callback would have to be loaded by every Trainer that reads the checkpoint."""
        return {}

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        limit = 0.0 if trainer.should_stop else self._duration  # 0: what resumes from here is at its end
        checkpoint[_KEY] = {"seconds": limit, "elapsed": self.time_elapsed()}

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        saved = checkpoint[_KEY]
        self._duration, self._offset, self.trained = saved["seconds"], saved["elapsed"], saved["elapsed"]

    @property
    def offset(self) -> float:
        """Seconds of the stage's training before it was resumed."""
        return self._offset
