"""Base class of the callbacks that draw figures into TensorBoard."""

from typing import Any, ClassVar

import lightning as L
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.base import TransferTask
from triptych.trainer.tensorboard import add_figure, tensorboard_logger

_SHARDED = (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)


class FigureCallback(L.Callback):
    """Draws figures into TensorBoard, in the first process only; subclasses define which and when.

    Drawing changes no weights, statistics, modes or random state, so a fit ends with the same weights without it. It
    needs a TensorBoardLogger, a model and data of this package, and all weights in one process; otherwise a fit warns
    once and nothing is drawn.
    """

    dpi: ClassVar[int | None] = None
    """Resolution of the figures in dots per inch; None keeps that of each figure."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
        is_first = self is next(one for one in callbacks if isinstance(one, FigureCallback))
        reason = _missing(trainer, pl_module)
        if stage == "fit" and is_first and reason and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            rank_zero_warn(f"No figures of the training are drawn: {reason}.")

    def draws(self, trainer: L.Trainer, pl_module: L.LightningModule) -> bool:
        """Whether this process draws: it is the first one, and nothing is missing."""
        return trainer.is_global_zero and not trainer.sanity_checking and not _missing(trainer, pl_module)

    def show(self, trainer: L.Trainer, name: str, figure: Figure, step: int) -> None:
        """Logs a figure at a step of the fit."""
        logger = tensorboard_logger(trainer)
        assert logger is not None
        if self.dpi is not None:
            figure.set_dpi(self.dpi)
        add_figure(logger, name, figure, step)


def _missing(trainer: L.Trainer, pl_module: L.LightningModule) -> str:
    """Why nothing can be drawn; empty if it can."""
    data: Any = getattr(trainer, "datamodule", None)
    if tensorboard_logger(trainer) is None:
        loggers = ", ".join(type(logger).__name__ for logger in trainer.loggers)
        return f"expected a TensorBoardLogger, got {loggers or 'none'}"
    if isinstance(trainer.strategy, _SHARDED):
        return f"expected a strategy with all weights in each process, got {type(trainer.strategy).__name__}"
    for value, expected in ((pl_module, TransferTask), (data, TriptychDataModule)):
        if not isinstance(value, expected):
            return f"expected a {expected.__name__}, got {type(value).__name__}"
    return ""
