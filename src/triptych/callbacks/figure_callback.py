"""Base class of the callbacks that draw figures into the logs."""

from typing import Any, ClassVar

import lightning as L
from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.runs.figures import log_figure, takes_figures
from triptych.tasks.base import TransferTask

_SHARDED = (DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy)


class FigureCallback(L.Callback):
    """Draws figures into the logs, in the first process only; subclasses define which and when.

    They go to every logger that takes figures: TensorBoard, W&B and MLflow; and into the folder `figures` beside the
    `metrics.csv` of a CSVLogger. Drawing changes no weights, statistics, modes or random state, so a fit ends with the
    same weights without it. It needs such a logger, a model and data of this package, and all weights in one process;
    otherwise a fit warns once and nothing is drawn.
    """

    dpi: ClassVar[int | None] = None
    """Dots per inch of figures with images; None keeps those of each. Texts keep theirs, to be readable."""

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
        if self.dpi is not None and figure.axes:
            figure.set_dpi(self.dpi)
        log_figure(trainer.loggers, name, figure, step)


def _missing(trainer: L.Trainer, pl_module: L.LightningModule) -> str:
    """Why nothing can be drawn; empty if it can."""
    data: Any = getattr(trainer, "datamodule", None)
    if not any(map(takes_figures, trainer.loggers)):
        loggers = ", ".join(type(logger).__name__ for logger in trainer.loggers)
        return f"expected a logger for TensorBoard, W&B, MLflow or CSV, got {loggers or 'none'}"
    if isinstance(trainer.strategy, _SHARDED):
        return f"expected a strategy with all weights in each process, got {type(trainer.strategy).__name__}"
    for value, expected in ((pl_module, TransferTask), (data, TriptychDataModule)):
        if not isinstance(value, expected):
            return f"expected a {expected.__name__}, got {type(value).__name__}"
    return ""
