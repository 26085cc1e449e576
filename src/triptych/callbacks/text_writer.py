"""Predicted categories of texts as a table."""

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.datamodules.text_samples import TextSamples
from triptych.files import save_csv


class TextWriter(PredictionWriter):
    """Writes `categories.csv`: of each text its path, the most probable category, and the probability of each.

    The rows have the order of the texts; a path is such as `reviews/1.txt`, or `texts.csv, row 12` for a table.

    Args:
        output_dir: See `PredictionWriter`.
    """

    def __init__(self, output_dir: str | None = None) -> None:
        super().__init__(output_dir)

    def on_predict_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []

    def write(self, pl_module: Any, batch: Any, prediction: Tensor) -> None:
        for path, probabilities in zip(batch["path"], prediction, strict=True):
            category = pl_module.categories[int(probabilities.argmax())]
            self._rows.append((path, category, *(f"{value:.4f}" for value in probabilities.tolist())))

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        super().on_predict_end(trainer, pl_module)
        rows = rows_of_all(trainer, self._rows, _order(trainer))
        if trainer.is_global_zero:
            save_csv(self._table, ("path", "label", *pl_module.categories), rows)

    @property
    def _table(self) -> Path:
        return self.folder / "categories.csv"

    def made(self) -> dict[str, Path]:
        return {"categories": self._table}


def _order(trainer: L.Trainer) -> dict[str, int] | None:
    """Position of each text by its path; None for a loader of another package's data."""
    samples = getattr(trainer.predict_dataloaders, "dataset", None)
    if not isinstance(samples, TextSamples):
        return None
    return {text.path: position for position, text in enumerate(samples.texts)}
