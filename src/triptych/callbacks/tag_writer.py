"""Predicted tags as tables."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.callbacks.video_writer import Pixels
from triptych.datamodules import PlanetDataModule
from triptych.datasets.frames import Frame, Frames
from triptych.datasets.names import names_below
from triptych.datasets.pictures import base_folder
from triptych.datasets.sample import Batch
from triptych.datasets.tag_table import TagForm
from triptych.draw.captions import draw_captions
from triptych.files import csv_rows, save_csv
from triptych.tasks.multilabel import Choice


class TagWriter(PredictionWriter):
    """Writes `tags.csv` in the form of the data's own table, and `probabilities.csv`, one column per tag.

    Each image has one row. Names, headings and delimiter are those of `PlanetDataModule`, which can read `tags.csv` as
    its table. For other data it is the competition's form (`image_name,tags`), and a name is the path below
    `predict_path` without suffix; with suffix if two images would have one name. For a video `drive.mp4` it writes
    `pictures/drive.webm` with the tags as words, and tables with `frame` and `time_s` in place of the name.

    Args:
        output_dir: See `PredictionWriter`.
        thresholds: Probabilities above which a tag is predicted: `"fixed"` for the model's `threshold`, `"single"` or
            `"per_tag"` for those chosen after each validation.
        smooth: See `PredictionWriter`.
    """

    def __init__(self, output_dir: str | None = None, thresholds: Choice = "fixed", smooth: float = 0.0) -> None:
        super().__init__(output_dir, smooth)
        self.thresholds: Choice = thresholds

    def on_predict_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        self._threshold_values = pl_module.thresholds_by(self.thresholds)
        super().on_predict_start(trainer, pl_module)
        self._rows: list[tuple[object, ...]] = []

    def write(self, pl_module: Any, batch: Batch, prediction: Tensor) -> None:
        for path, probabilities in zip(batch["path"], prediction, strict=True):
            tags = [pl_module.tags[i] for i in self._chosen(probabilities)]
            self._rows.append((path, tags, _cells(probabilities)))

    def _chosen(self, probabilities: Tensor) -> list[int]:
        """Indices of the predicted tags."""
        chosen: list[int] = (probabilities > self._threshold_values).nonzero().flatten().tolist()
        return chosen

    def start_frames(self, pl_module: Any, frames: Frames, files: contextlib.ExitStack) -> None:
        self._threshold_values = self._threshold_values.cpu()
        self._delimiter = TagForm().for_tags(pl_module.tags).delimiter
        place = ("frame", "time_s")
        tables = {"tags": (*place, "tags"), "probabilities": (*place, *pl_module.tags)}
        self._write_rows = {
            name: files.enter_context(csv_rows(self.folder / f"{name}.csv", header)) for name, header in tables.items()
        }

    def draw(self, pl_module: Any, frame: Frame, prediction: Tensor) -> Pixels:
        place, tags, chosen = (frame.number, f"{frame.time_s:.3f}"), pl_module.tags, self._chosen(prediction)
        self._write_rows["tags"]([(*place, self._delimiter.join(tags[i] for i in chosen))])
        self._write_rows["probabilities"]([(*place, *_cells(prediction))])
        highest = sorted(chosen, key=lambda i: -float(prediction[i]))
        return np.asarray(draw_captions(frame.pixels, [f"{tags[i]}  {float(prediction[i]):.0%}" for i in highest]))

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        super().on_predict_end(trainer, pl_module)
        if self.frames is not None:
            return
        by_path: dict[Any, Any] = {path: rest for path, *rest in rows_of_all(trainer, self._rows)}
        if not trainer.is_global_zero:
            return
        tags, data = pl_module.tags, getattr(trainer, "datamodule", None)
        form, names = _form(data, tags), _names(data, list(by_path))
        rows = [(name, *rest) for name, rest in zip(names, by_path.values(), strict=True)]
        chosen = [form.cells(name, of_tile, tags) for name, of_tile, _ in rows]
        save_csv(self.folder / "tags.csv", form.header(tags), chosen, form.separator)
        header = (form.name_column, *tags)
        save_csv(self.folder / "probabilities.csv", header, [(name, *values) for name, _, values in rows])

    def made(self) -> dict[str, Path]:
        video = {} if self.frames is None else {"video": self.video_path}
        return {**video, "tags": self.folder / "tags.csv", "probabilities": self.folder / "probabilities.csv"}


def _cells(probabilities: Tensor) -> list[str]:
    return [f"{value:.4f}" for value in probabilities.tolist()]


def _form(data: Any, tags: Sequence[str]) -> TagForm:
    """The form of the data's table, with a delimiter that no tag holds."""
    given = data.form if isinstance(data, PlanetDataModule) else TagForm()
    form = given.for_tags(tags)
    if form != given:
        rank_zero_info(f"tags.csv: {form.delimiter!r} is between two tags, since {given.delimiter!r} is within some.")
    return form


def _names(data: Any, paths: Sequence[str]) -> list[str]:
    """The data's names of the images, or else their paths below `predict_path`."""
    if isinstance(data, PlanetDataModule):
        return data.names_of(paths)
    folder, files = getattr(data, "predict_path", None), [*map(Path, paths)]
    below = [path.name for path in files] if folder is None else names_below(base_folder(Path(folder)), files)
    for names in ([str(Path(path).with_suffix("")) for path in below], below):
        if len({*names}) == len(names):
            return names
    return list(paths)
