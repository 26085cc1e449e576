"""Base class of the callbacks that write predictions into files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.callbacks import BasePredictionWriter

from triptych.datasets.images import Scale, read_rgb
from triptych.datasets.sample import Batch
from triptych.files import as_path
from triptych.runs.folder import checkpoint_folder, settle_folder
from triptych.runs.layout import RunLayout


class PredictionWriter(BasePredictionWriter):
    """Writes predictions into a folder, batch by batch; subclasses define the files.

    Args:
        output_dir: The folder; None means `predictions` in the checkpoint's run folder, or else in the trainer's.
    """

    subfolders: tuple[str, ...] = ()

    def __init__(self, output_dir: str | None = None) -> None:
        super().__init__("batch")
        self.output_dir = output_dir
        self.folder = Path()
        self.scale: Scale | None = None
        self._source_of: dict[str, str] = {}

    def write(self, pl_module: Any, batch: Batch, prediction: Any) -> None:
        """Writes the predictions of one batch, or collects them."""
        raise NotImplementedError

    def made(self) -> dict[str, Path]:
        """Paths of what was written, by a short name."""
        raise NotImplementedError

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.output_dir is not None:
            self.folder = as_path(self.output_dir)
        else:
            self.folder = RunLayout(checkpoint_folder(trainer) or settle_folder(trainer)).predictions
        self._source_of = {}
        self.scale = getattr(getattr(trainer, "datamodule", None), "scale", None)
        for name in ("", *self.subfolders):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def write_on_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: Any,
        prediction: Any,
        batch_indices: Sequence[int] | None,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        self.write(pl_module, batch, prediction)

    def image_of(self, path: str, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """The image as the data set has read it, uint8 (H, W, 3).

        Args:
            path: Of the image.
            size: Its (height, width) in the data set, which reads some images with masks as they are stored.
        """
        image = read_rgb(Path(path), self.scale)
        return image if image.shape[:2] == size else read_rgb(Path(path), self.scale, oriented=False)

    def name_of(self, path: str) -> str:
        """The image's file name as a PNG; with a number if an image from another folder has the same name."""
        name, number = f"{Path(path).stem}.png", 2
        while self._source_of.setdefault(name, path) != path:
            name, number = f"{Path(path).stem}-{number}.png", number + 1
        return name


def rows_of_all(trainer: L.Trainer, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows of all processes; sorted if there is more than one process."""
    if trainer.world_size == 1:
        return rows
    gathered: list[list[tuple[object, ...]]] = [[] for _ in range(trainer.world_size)]
    torch.distributed.all_gather_object(gathered, rows)
    return sorted(row for process_rows in gathered for row in process_rows)
