"""Predicted points as a table and drawn on the images."""

from pathlib import Path
from typing import Any

import lightning as L
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.datasets.sample import Batch
from triptych.draw.points import draw_points
from triptych.files import atomic_save, save_csv


class PointWriter(PredictionWriter):
    """Writes `points.csv` (path, y_px, x_px of each point) and `pictures/NAME.png`, the image with the points drawn.

    Points are in pixels of the file. If they have names, or an image has several, the table has a column `name` too. So
    it is one that `PointsDataModule` reads. True points are drawn too if they are known.

    Args:
        output_dir: See `PredictionWriter`.
    """

    subfolders = ("pictures",)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []  # one for each image, so that its points stay in their order

    def write(self, pl_module: Any, batch: Batch, prediction: Tensor) -> None:
        truth = (batch["point"] + 1) / 2 * batch["size"][:, None] if "point" in batch else [None] * len(prediction)
        for path, size, points, true_points in zip(batch["path"], batch["size"], prediction, truth, strict=True):
            places = [(f"{y:.2f}", f"{x:.2f}") for y, x in points.tolist()]
            self._rows.append((str(Path(path).absolute()), places))  # found again from any folder
            image = self.image_to_draw_on(path, size.tolist())
            scale = points.new_tensor(image.shape[:2]) / size
            true_list = None if true_points is None else (true_points * scale).tolist()
            picture = draw_points(image, (points * scale).tolist(), true_list)
            atomic_save(self.output_path("pictures", path), picture.save)

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        images: Any = rows_of_all(trainer, self._rows)
        names = pl_module.point_names
        is_named = len(names) > 1 or pl_module.hparams["point_names"] is not None
        header = ("path", "name", "y_px", "x_px") if is_named else ("path", "y_px", "x_px")
        rows = [
            (path, *([name] if is_named else []), *place)
            for path, places in images
            for name, place in zip(names, places, strict=True)
        ]
        if trainer.is_global_zero:
            save_csv(self.folder / "points.csv", header, rows)

    def made(self) -> dict[str, Path]:
        return {"pictures": self.folder / "pictures", "points": self.folder / "points.csv"}
