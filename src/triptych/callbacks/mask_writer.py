"""Predicted masks as files."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from triptych.callbacks.prediction_writer import PredictionWriter, drawn_size
from triptych.callbacks.video_writer import Pixels
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.frames import Frame, Frames
from triptych.datasets.sample import Batch
from triptych.draw.overlay import blended, class_counts, legend, overlay, palette_mask
from triptych.files import atomic_save
from triptych.metrics.flicker import Flicker
from triptych.tasks.file_masks import FileMasks
from triptych.trainer.cpu import return_freed_memory


class MaskWriter(PredictionWriter):
    """Writes `masks/NAME.png` (class ids, in CamVid's palette) and `overlays/NAME.png` (image, colours and legend).

    Names keep their subfolders, as in `masks/bonn/x.png`. For a video `drive.mp4` it writes `masks/drive/000000.png`
    and so on, `overlays/drive.webm`, and the legend of all its frames as `overlays/drive-legend.png`.

    Args:
        output_dir: See `PredictionWriter`.
        smooth: See `PredictionWriter`; with it, it is told how much less the classes flicker.
    """

    subfolders = ("masks", "overlays")
    video_folder = "overlays"

    def write(self, pl_module: Any, batch: Batch, prediction: Sequence[Tensor]) -> None:
        names, whole = pl_module.class_names, batch["image"] if "tile" in batch else None
        for index, path in enumerate(batch["path"]):
            mask = prediction[index]  # computed when it is asked for
            size, ids = mask.shape, self._write_mask(path, mask, class_colors(names))
            del mask  # before the huge image is read
            return_freed_memory()
            image = self.image_to_draw_on(path, size, None if whole is None else whole[index])
            atomic_save(self.output_path("overlays", path), overlay(image, ids, class_colors(names), names).save)

    def start_frames(self, pl_module: Any, frames: Frames, files: contextlib.ExitStack) -> None:
        self._frame_masks = self.folder / "masks" / frames.name
        self._frame_masks.mkdir(parents=True, exist_ok=True)
        for earlier in self._frame_masks.glob("[0-9]*.png"):  # of a longer video
            earlier.unlink()
        self._colors = class_colors(pl_module.class_names)
        self._counts = np.zeros(len(self._colors), dtype=np.int64)
        self._flicker, self._flicker_before = Flicker(), Flicker()
        files.callback(self._end_frames, pl_module.class_names)

    def averaged(self, batch: Batch, prediction: FileMasks | list[Tensor]) -> FileMasks | list[Tensor]:
        """The masks of frames; if they are smoothed, from the averages of the probabilities.

        Raises:
            ValueError: They are predicted in tiles, which have no probabilities, and should be smoothed.
        """
        if not self.smooth:
            return prediction
        if not isinstance(prediction, FileMasks):
            raise ValueError(f"smooth: expected frames that are predicted whole, got tiles and smooth {self.smooth:g}.")
        averages = self.average(prediction.logits.softmax(dim=1))
        for image, logits, average in zip(batch["image"], prediction.logits, averages, strict=True):
            self._flicker_before.update(image, logits.argmax(dim=0))
            self._flicker.update(image, average.argmax(dim=0))
        return FileMasks(averages.log(), prediction.sizes)

    def draw(self, pl_module: Any, frame: Frame, prediction: Tensor) -> Pixels:
        ids = prediction.numpy()
        atomic_save(self._frame_masks / f"{frame.number:06}.png", palette_mask(ids, self._colors).save)
        self._counts += class_counts(ids, len(self._counts))
        return blended(frame.pixels, ids, self._colors)

    def _end_frames(self, names: Sequence[str]) -> None:
        if self._counts.any():
            keys = legend(self._counts, self._colors, names, 0)
            atomic_save(self.video_path.with_name(f"{self.video_path.stem}-legend.png"), keys.save)
        if self.smooth and self._flicker.still:
            rank_zero_info(
                f"flicker: {self._flicker.compute():.2%} of the still pixels change their class from frame to frame, "
                f"{self._flicker_before.compute():.2%} without smooth."
            )

    def made(self) -> dict[str, Path]:
        if self.frames is not None:
            return {"video": self.video_path, "masks": self._frame_masks}
        return {"pictures": self.folder / "overlays", "masks": self.folder / "masks"}

    def _write_mask(self, path: str, mask: Tensor, colors: Pixels) -> Pixels:
        """Writes a mask, and returns it in the size in which it is drawn: a huge one is then no longer in memory."""
        ids = mask.cpu().numpy()
        atomic_save(self.output_path("masks", path), palette_mask(ids, colors).save)
        height, width = drawn_size(*ids.shape)
        return np.asarray(cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
