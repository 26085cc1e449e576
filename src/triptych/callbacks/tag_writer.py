"""Predicted tags as tables."""

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.datasets.sample import Batch
from triptych.files import save_csv
from triptych.tasks.multilabel import Choice


class TagWriter(PredictionWriter):
    """Writes `tags.csv` in the competition's format (`image_name,tags`) and `probabilities.csv`, one column per tag.

    Args:
        output_dir: See `PredictionWriter`.
        thresholds: Probabilities above which a tag is predicted: `"fixed"` for the model's `threshold`, `"single"` or
            `"per_tag"` for those chosen after each validation.
    """

    def __init__(self, output_dir: str | None = None, thresholds: Choice = "fixed") -> None:
        super().__init__(output_dir)
        self.thresholds: Choice = thresholds

    def on_predict_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        self._threshold_values = pl_module.thresholds_by(self.thresholds)
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []

    def write(self, pl_module: Any, batch: Batch, prediction: Tensor) -> None:
        for path, probabilities in zip(batch["path"], prediction, strict=True):
            chosen = (probabilities > self._threshold_values).tolist()
            tags = " ".join(tag for tag, is_chosen in zip(pl_module.tags, chosen, strict=True) if is_chosen)
            self._rows.append((Path(path).stem, tags, *(f"{value:.4f}" for value in probabilities.tolist())))

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        rows = rows_of_all(trainer, self._rows)
        if trainer.is_global_zero:
            save_csv(self.folder / "tags.csv", ("image_name", "tags"), [row[:2] for row in rows])
            header = ("image_name", *pl_module.tags)
            save_csv(self.folder / "probabilities.csv", header, [(row[0], *row[2:]) for row in rows])

    def made(self) -> dict[str, Path]:
        return {"tags": self.folder / "tags.csv", "probabilities": self.folder / "probabilities.csv"}
