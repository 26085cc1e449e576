"""Predictions for the same samples after every validation."""

from typing import Any

import lightning as L

from triptych.callbacks.figure_callback import FigureCallback
from triptych.datamodules.checks import checked_at_least
from triptych.datasets.sample import Sample, TextSample
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.show.results import evenly_spaced
from triptych.trainer.tensorboard import logged_step


class ValidationFrames(FigureCallback):
    """Draws truth and prediction into the logs after every validation, as `val/frames`: of images or of texts.

    The samples are evenly spaced over the split and the same each time, so the slider shows the progress of training.
    They are read once per fit.

    Args:
        count: Number of samples to show, at least 1.

    Raises:
        ValueError: `count` is less than 1.
    """

    dpi = 80

    def __init__(self, count: int = 4) -> None:
        self.count = checked_at_least(1, "count", count)
        self._samples: list[Sample | TextSample] = []

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        self._samples = []  # the image size or the vocabulary may have changed

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        if not self.draws(trainer, pl_module):
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        with evaluating(pl_module, data) as evaluation, trainer.precision_plugin.forward_context():
            if not self._samples:
                indices = evenly_spaced(len(evaluation.samples), self.count)
                self._samples = [evaluation.samples[index] for index in indices]
            figure = panel_for(pl_module).results(evaluation.together(self._samples))
        self.show(trainer, "val/frames", figure, logged_step(trainer))
