"""Predicted masks as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.sample import Batch
from triptych.draw.overlay import overlay, palette_mask
from triptych.files import atomic_save


class MaskWriter(PredictionWriter):
    """Writes `masks/NAME.png` (class ids, in CamVid's palette) and `overlays/NAME.png` (image, colours and legend).

    Args:
        output_dir: See `PredictionWriter`.
    """

    subfolders = ("masks", "overlays")

    def write(self, pl_module: Any, batch: Batch, prediction: Sequence[Tensor]) -> None:
        for path, mask in zip(batch["path"], prediction, strict=True):
            self._write(path, mask, pl_module.class_names)

    def made(self) -> dict[str, Path]:
        return {"pictures": self.folder / "overlays", "masks": self.folder / "masks"}

    def _write(self, path: str, mask: Tensor, class_names: list[str]) -> None:
        colors, ids, name = class_colors(class_names), mask.cpu().numpy(), self.name_of(path)
        atomic_save(self.folder / "masks" / name, palette_mask(ids, colors).save)
        picture = overlay(self.image_of(path, ids.shape), ids, colors, class_names)
        atomic_save(self.folder / "overlays" / name, picture.save)
