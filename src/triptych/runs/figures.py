"""Figures in the logs of a run."""

import io
from collections.abc import Iterable
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger
from matplotlib.figure import Figure
from PIL import Image

from triptych.files import as_path, atomic_save
from triptych.runs.layout import RunLayout


def takes_figures(logger: Logger) -> bool:
    """Whether `log_figure` can log with it."""
    return isinstance(logger, (TensorBoardLogger, MLFlowLogger, CSVLogger)) or _takes_images(logger)


def _takes_images(logger: Logger) -> bool:
    """Whether it is a WandbLogger, or a logger with the same method for images."""
    return hasattr(type(logger), "log_image")


def log_figure(loggers: Iterable[Logger], name: str, figure: Figure, step: int) -> None:
    """Logs a figure with TensorBoard, W&B and MLflow, and as a PNG file beside the `metrics.csv` of a CSVLogger.

    Call it in the first process only.

    Args:
        loggers: The loggers; others are left out.
        name: Such as `val/frames`; where a logger can, figures with the same name become one slider.
        figure: Drawn at its own dpi.
        step: The step to which it belongs.
    """
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, figure, step)
            logger.experiment.flush()  # so that the figure is visible at once
        elif _takes_images(logger):
            logger.log_image(name, [_image(figure)], step)  # type: ignore[attr-defined]
        elif isinstance(logger, MLFlowLogger):
            file = RunLayout(Path()).figure(name, step)
            logger.experiment.log_figure(logger.run_id, figure, file.as_posix())
        elif isinstance(logger, CSVLogger):
            file = RunLayout(as_path(logger.log_dir)).figure(name, step)
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic_save(file, figure.savefig)


def _image(figure: Figure) -> Image.Image:
    """The figure as an image."""
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return Image.open(png)
