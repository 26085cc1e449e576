"""The scores of each class, tag, category or point as curves."""

import re
from typing import Any

import lightning as L

from triptych.trainer.tensorboard import logged_step

_NOT_IN_KEYS = re.compile(r"[^\w.-]+")


class ClassScores(L.Callback):
    """Logs the score of every class, tag, category or point that occurs in the labels, after each validation.

    Keys are such as `val/iou/Sky` for masks, `val/f2/road` for tags, `val/f1/negative` for categories of texts and
    `val/error_px/nose` for one of several points; a single point and a language model have none. They go to all
    loggers. Characters of a name other than letters, digits, `.`, `-` and `_` become `_`.
    """

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero or not hasattr(pl_module, "class_scores"):
            return
        scores = {
            f"val/{score}/{_NOT_IN_KEYS.sub('_', name)}": value
            for score, by_name in pl_module.class_scores().items()
            for name, value in by_name.items()
        }
        for logger in trainer.loggers if scores else ():
            logger.log_metrics(scores, logged_step(trainer))
