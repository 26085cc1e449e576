"""Predicted masks as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from triptych.callbacks.prediction_writer import Pixels, PredictionWriter, drawn_size
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.sample import Batch
from triptych.draw.overlay import overlay, palette_mask
from triptych.files import atomic_save
from triptych.trainer.cpu import return_freed_memory


class MaskWriter(PredictionWriter):
    """Writes `masks/NAME.png` (class ids, in CamVid's palette) and `overlays/NAME.png` (image, colours and legend).

    Names keep their subfolders, as in `masks/bonn/x.png`.

    Args:
        output_dir: See `PredictionWriter`.
    """

    subfolders = ("masks", "overlays")

    def write(self, pl_module: Any, batch: Batch, prediction: Sequence[Tensor]) -> None:
        names, whole = pl_module.class_names, batch["image"] if "tile" in batch else None
        for index, path in enumerate(batch["path"]):
            mask = prediction[index]  # computed when it is asked for
            size, ids = mask.shape, self._write_mask(path, mask, class_colors(names))
            del mask  # before the huge image is read
            return_freed_memory()
            image = self.image_to_draw_on(path, size, None if whole is None else whole[index])
            atomic_save(self.output_path("overlays", path), overlay(image, ids, class_colors(names), names).save)

    def made(self) -> dict[str, Path]:
        return {"pictures": self.folder / "overlays", "masks": self.folder / "masks"}

    def _write_mask(self, path: str, mask: Tensor, colors: Pixels) -> Pixels:
        """Writes a mask, and returns it in the size in which it is drawn: a huge one is then no longer in memory."""
        ids = mask.cpu().numpy()
        atomic_save(self.output_path("masks", path), palette_mask(ids, colors).save)
        height, width = drawn_size(*ids.shape)
        return np.asarray(cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
