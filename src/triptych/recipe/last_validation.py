"""The last validation of a stage."""

from typing import Any

import lightning as L

from triptych.tasks.training import OneCycleTraining


class LastValidation(L.Callback):
    """Notes after which step the last validation was; -1 if there was none."""

    def __init__(self) -> None:
        self.step = -1

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.sanity_checking:
            self.step = trainer.global_step

    def scored(self, model: OneCycleTraining) -> dict[str, Any]:
        """What a `StageResult` says about the last validation."""
        known = model.split_scores
        if self.step < 0 or known is None:
            return {"scores": {} if self.step < 0 else model.scalar_scores()}
        return {"scores": {**known.values}, "over": known.over, "intervals": known.intervals, "drawn": known.drawn}
