"""Predicted points as a table and drawn on the images."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.callbacks.video_writer import Pixels
from triptych.datasets.frames import Frame, Frames
from triptych.datasets.sample import Batch
from triptych.draw.points import draw_points
from triptych.files import atomic_save, csv_rows, save_csv

Place = tuple[str, str]


class PointWriter(PredictionWriter):
    """Writes `points.csv` (path, y_px, x_px of each point) and `pictures/NAME.png`, the image with the points drawn.

    For a video `drive.mp4` it writes `pictures/drive.webm` and a table with `frame` and `time_s` in place of `path`.

    Points are in pixels of the file. If they have names, or an image has several, the table has a column `name` too. So
    it is one that `PointsDataModule` reads. True points are drawn too if they are known.

    Args:
        output_dir: See `PredictionWriter`.
        smooth: See `PredictionWriter`.
    """

    subfolders = ("pictures",)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []  # one for each image, so that its points stay in their order

    def write(self, pl_module: Any, batch: Batch, prediction: Tensor) -> None:
        truth = (batch["point"] + 1) / 2 * batch["size"][:, None] if "point" in batch else [None] * len(prediction)
        for path, size, points, true_points in zip(batch["path"], batch["size"], prediction, truth, strict=True):
            self._rows.append((str(Path(path).absolute()), _places(points)))  # found again from any folder
            image = self.image_to_draw_on(path, size.tolist())
            scale = points.new_tensor(image.shape[:2]) / size
            true_list = None if true_points is None else (true_points * scale).tolist()
            picture = draw_points(image, (points * scale).tolist(), true_list)
            atomic_save(self.output_path("pictures", path), picture.save)

    def start_frames(self, pl_module: Any, frames: Frames, files: contextlib.ExitStack) -> None:
        header = ("frame", "time_s", *_point_header(pl_module))
        self._write_rows = files.enter_context(csv_rows(self.folder / "points.csv", header))

    def draw(self, pl_module: Any, frame: Frame, prediction: Tensor) -> Pixels:
        rows = _point_rows(pl_module, _places(prediction))
        self._write_rows((frame.number, f"{frame.time_s:.3f}", *row) for row in rows)
        return np.asarray(draw_points(frame.pixels, prediction.tolist()))

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        super().on_predict_end(trainer, pl_module)
        if self.frames is not None:
            return
        images: Any = rows_of_all(trainer, self._rows)
        rows = [(path, *row) for path, places in images for row in _point_rows(pl_module, places)]
        if trainer.is_global_zero:
            save_csv(self.folder / "points.csv", ("path", *_point_header(pl_module)), rows)

    def made(self) -> dict[str, Path]:
        pictures = {"pictures": self.folder / "pictures"} if self.frames is None else {"video": self.video_path}
        return {**pictures, "points": self.folder / "points.csv"}


def _is_named(pl_module: Any) -> bool:
    return len(pl_module.point_names) > 1 or pl_module.hparams["point_names"] is not None


def _point_header(pl_module: Any) -> tuple[str, ...]:
    return ("name", "y_px", "x_px") if _is_named(pl_module) else ("y_px", "x_px")


def _point_rows(pl_module: Any, places: Sequence[Place]) -> list[tuple[str, ...]]:
    """A row for each point of an image."""
    names, is_named = pl_module.point_names, _is_named(pl_module)
    return [(*([name] if is_named else []), *place) for name, place in zip(names, places, strict=True)]


def _places(points: Tensor) -> list[Place]:
    """(y, x) of each point in pixels, as text."""
    return [(f"{y:.2f}", f"{x:.2f}") for y, x in points.tolist()]
