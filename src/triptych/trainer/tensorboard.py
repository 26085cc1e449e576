"""The TensorBoardLogger of a Trainer, and figures in it."""

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure


def tensorboard_logger(trainer: L.Trainer) -> TensorBoardLogger | None:
    """The first of a Trainer's loggers that writes for TensorBoard; None if none does."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


def logged_step(trainer: L.Trainer) -> int:
    """The step at which Lightning logs at this moment, counted from 0 within the fit."""
    return trainer.fit_loop.epoch_loop._batches_that_stepped


def add_figure(logger: TensorBoardLogger, name: str, figure: Figure, step: int) -> None:
    """Logs a figure; call it in the first process only.

    Args:
        logger: The logger of a fit, or of a recipe's stage, whose steps count over the whole recipe.
        name: Figures with the same name become one slider.
        figure: Drawn at its own dpi.
        step: Counted within the fit.
    """
    first_step: int = getattr(logger, "first_step", 0)
    logger.experiment.add_figure(name, figure, first_step + step)
    logger.experiment.flush()  # so that the figure is visible at once
