"""What every callback that draws into TensorBoard shares: who draws, and when nothing can be drawn."""

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
    """Draws into TensorBoard, in the first process alone; a subclass says what and when.

    Weights, statistics, modes and random state stay what they are: a fit ends with the same weights without it. Where
    nothing can be drawn, for want of a TensorBoardLogger, of a model and data of this package, or of all weights in one
    process, a fit warns once.
    """

    dpi: ClassVar[int | None] = None
    """Dots an inch of the figures; None leaves each its own."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
        is_first = self is next(one for one in callbacks if isinstance(one, FigureCallback))
        missing = _missing(trainer, pl_module)
        if stage == "fit" and is_first and missing and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            rank_zero_warn(f"No pictures of the training are drawn: {missing}.")

    def draws(self, trainer: L.Trainer, pl_module: L.LightningModule) -> bool:
        """Whether this process is the one that draws, and can."""
        return trainer.is_global_zero and not trainer.sanity_checking and not _missing(trainer, pl_module)

    def show(self, trainer: L.Trainer, name: str, figure: Figure, step: int) -> None:
        """Writes a figure at a step of the fit."""
        logger = tensorboard_logger(trainer)
        assert logger is not None
        if self.dpi is not None:
            figure.set_dpi(self.dpi)
        add_figure(logger, name, figure, step)


def _missing(trainer: L.Trainer, pl_module: L.LightningModule) -> str:
    """What there is not, in words; empty where all is there."""
    data: Any = getattr(trainer, "datamodule", None)
    if tensorboard_logger(trainer) is None:
        loggers = ", ".join(type(logger).__name__ for logger in trainer.loggers)
        return f"expected a TensorBoardLogger, got {loggers or 'none'}"
    if isinstance(trainer.strategy, _SHARDED):
        return f"expected a strategy with all weights in each process, got {type(trainer.strategy).__name__}"
    for thing, kind in ((pl_module, TransferTask), (data, TriptychDataModule)):
        if not isinstance(thing, kind):
            return f"expected a {kind.__name__}, got {type(thing).__name__}"
    return ""
