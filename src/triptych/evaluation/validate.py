"""The scores of a model on a validation split, outside of a fit."""

import lightning as L

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.base import TransferTask
from triptych.tasks.score_report import NoScoreReport
from triptych.trainer.messages import no_info


def validate(model: TransferTask, data: TriptychDataModule, accelerator: str = "auto") -> dict[str, float]:
    """Validates a model in float32, and prints nothing; `model.report` then has its tables.

    Args:
        model: The model.
        data: Data of the model's task.
        accelerator: Where it computes, as of Lightning's `Trainer`.

    Returns:
        Value by log key, such as `val/void_masked_accuracy`.
    """
    with no_info():
        trainer = L.Trainer(
            accelerator=accelerator,
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[NoScoreReport()],
        )
        (scores,) = trainer.validate(model, data, verbose=False)
    return dict(scores)
