"""Predicted points as a table and drawn on the images."""

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.datasets.images import read_rgb
from triptych.datasets.sample import Batch
from triptych.draw.points import draw_points
from triptych.files import atomic_save, save_csv


class PointWriter(PredictionWriter):
    """Writes `points.csv` (path, y_px, x_px of each point) and `pictures/NAME.png`, the image with the points drawn.

    Points are in pixels of the file. True points are drawn too if they are known.

    Args:
        output_dir: See `PredictionWriter`.
    """

    subfolders = ("pictures",)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []

    def write(self, pl_module: Any, batch: Batch, prediction: Tensor) -> None:
        truth = (batch["point"] + 1) / 2 * batch["size"][:, None] if "point" in batch else [None] * len(prediction)
        for path, points, true_points in zip(batch["path"], prediction, truth, strict=True):
            self._rows += [(path, f"{y:.2f}", f"{x:.2f}") for y, x in points.tolist()]
            true_list = None if true_points is None else true_points.tolist()
            picture = draw_points(read_rgb(Path(path), self.scale), points.tolist(), true_list)
            atomic_save(self.folder / "pictures" / self.name_of(path), picture.save)

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        rows = rows_of_all(trainer, self._rows)
        if trainer.is_global_zero:
            save_csv(self.folder / "points.csv", ("path", "y_px", "x_px"), rows)

    def made(self) -> dict[str, Path]:
        return {"pictures": self.folder / "pictures", "points": self.folder / "points.csv"}
