"""The scores of each class or tag as curves."""

import re
from typing import Any

import lightning as L

from triptych.trainer.tensorboard import logged_step

_UNFIT = re.compile(r"[^\w.-]+")


class ClassScores(L.Callback):
    """Logs after each validation the score of every class or tag that is labelled anywhere.

    Such as `val/iou/Sky` for masks and `val/f2/road` for tags, to all loggers. What a name has beside letters, digits,
    `.`, `-` and `_` becomes `_`.
    """

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero or not hasattr(pl_module, "class_scores"):
            return
        scores = {
            f"val/{score}/{_UNFIT.sub('_', name)}": value
            for score, of_classes in pl_module.class_scores().items()
            for name, value in of_classes.items()
        }
        for logger in trainer.loggers if scores else ():
            logger.log_metrics(scores, logged_step(trainer))
