"""Where a Trainer logs into TensorBoard, and figures in it at a step of the run's axis."""

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure


def tensorboard_logger(trainer: L.Trainer) -> TensorBoardLogger | None:
    """The first of a Trainer's loggers that writes for TensorBoard; None if none does."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


def logged_step(trainer: L.Trainer) -> int:
    """The step at which Lightning logs what is known by now: from 0 on, counted within the fit."""
    return trainer.fit_loop.epoch_loop._batches_that_stepped


def add_figure(logger: TensorBoardLogger, name: str, figure: Figure, step: int) -> None:
    """Shows a figure; to be called by the first process alone.

    Args:
        logger: That of a fit, or of a recipe's stage, which stands on the axis of the whole recipe.
        name: Under which the figures of several steps become one slider.
        figure: Drawn at its own dpi.
        step: Counted within the fit.
    """
    first_step: int = getattr(logger, "first_step", 0)
    logger.experiment.add_figure(name, figure, first_step + step)
    logger.experiment.flush()  # to be seen now: scalars wait for more to come
