"""Predicted tags as tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, rows_of_all
from triptych.datamodules import PlanetDataModule
from triptych.datasets.names import names_below
from triptych.datasets.pictures import base_folder
from triptych.datasets.sample import Batch
from triptych.datasets.tag_table import TagForm
from triptych.files import save_csv
from triptych.tasks.multilabel import Choice


class TagWriter(PredictionWriter):
    """Writes `tags.csv` in the form of the data's own table, and `probabilities.csv`, one column per tag.

    Each image has one row. Names, headings and delimiter are those of `PlanetDataModule`, which can read `tags.csv` as
    its table. For other data it is the competition's form (`image_name,tags`), and a name is the path below
    `predict_path` without suffix; with suffix if two images would have one name.

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
            tags = [tag for tag, is_chosen in zip(pl_module.tags, chosen, strict=True) if is_chosen]
            self._rows.append((path, tags, [f"{value:.4f}" for value in probabilities.tolist()]))

    def on_predict_end(self, trainer: L.Trainer, pl_module: Any) -> None:
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
        return {"tags": self.folder / "tags.csv", "probabilities": self.folder / "probabilities.csv"}


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
