"""The TensorBoardLogger of a Trainer, and the step at which it logs."""

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger


def tensorboard_logger(trainer: L.Trainer) -> TensorBoardLogger | None:
    """The first of a Trainer's loggers that writes for TensorBoard; None if none does."""
    return next((logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)), None)


def logged_step(trainer: L.Trainer) -> int:
    """The step at which Lightning logs at this moment, counted from 0 within the fit."""
    return trainer.fit_loop.epoch_loop._batches_that_stepped
