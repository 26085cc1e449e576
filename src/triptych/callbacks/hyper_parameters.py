"""A run's row in TensorBoard's table of hyper-parameters."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.tensorboard.summary import hparams

from triptych.tasks.training import OneCycleTraining
from triptych.trainer.tensorboard import tensorboard_logger

_LEFT_OUT = ("class_names", "tags", "categories", "_class_path", "_instantiator")
"""Names of classes, tags and categories, too long for a table, and entries that LightningCLI adds."""


class HyperParameters(L.Callback):
    """Writes a row under HPARAMS at the end of a fit: the model's hyper-parameters and the final score.

    The score is the one that a ModelCheckpoint monitors, or else the task's first. The stages of a recipe share a row,
    with the hyper-parameters of the first stage. The logger needs `default_hp_metric=False`, or its placeholder is
    shown.
    """

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        logger, name = tensorboard_logger(trainer), _monitored(trainer, pl_module)
        if trainer.is_global_zero and logger is not None and name in trainer.callback_metrics:
            shown = {key: _plain(value) for key, value in pl_module.hparams.items() if key not in _LEFT_OUT}
            # the logger's own `log_hyperparams` would add a point to the curve of the score
            for summary in hparams(shown, {name: float(trainer.callback_metrics[name])}):  # type: ignore[no-untyped-call]
                logger.experiment._get_file_writer().add_summary(summary)


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _monitored(trainer: L.Trainer, pl_module: L.LightningModule) -> str | None:
    checkpoints = [one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint)]
    scores = [f"val/{name}" for name in pl_module.scalar_scores()] if isinstance(pl_module, OneCycleTraining) else []
    return next((name for name in [*(one.monitor for one in checkpoints), *scores] if name is not None), None)
