"""Base class of the callbacks that write predictions into files."""

import contextlib
import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import BasePredictionWriter
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from triptych.callbacks.output_names import OutputNames, inputs_of
from triptych.callbacks.video_writer import Pixels, VideoWriter
from triptych.datasets.frames import Frame, Frames
from triptych.datasets.sample import Batch
from triptych.files import as_path, is_remote
from triptych.images import Scale, read_rgb
from triptych.models.running_average import RunningAverage
from triptych.runs.folder import checkpoint_folder, settle_folder
from triptych.runs.layout import RunLayout
from triptych.trainer.cpu import return_freed_memory
from triptych.trainer.stop import note_predictions

MAX_DRAWN_PIXELS = 2**25
"""Pixels up to which an image is drawn on in its own size."""
REDUCED_PIXELS = 2**23
"""Most pixels that a larger one is reduced to."""


class PredictionWriter(BasePredictionWriter):
    """Writes predictions into a folder, batch by batch; subclasses define the files.

    For a video they are one video of the same size, number of frames and rate, and tables with times.

    Args:
        output_dir: The folder; None means `predictions` in the checkpoint's run folder, or else in the trainer's.
        smooth: For a video, the weight in [0, 1) of the frames before in an exponential average of what is predicted:
            probabilities, or places of points; 0 takes each frame for itself.

    Raises:
        ValueError: `smooth` is out of its range.
    """

    subfolders: tuple[str, ...] = ()
    video_folder = "pictures"
    """Subfolder of a video with what is predicted."""

    def __init__(self, output_dir: str | None = None, smooth: float = 0.0) -> None:
        super().__init__("batch")
        self.output_dir, self.smooth = output_dir, smooth
        self.average = RunningAverage(smooth)
        self.frames: Frames | None = None
        self._video: VideoWriter | None = None
        self._open = contextlib.ExitStack()
        self.folder = Path()
        self.scale: Scale | None = None
        self._names = OutputNames(None, 1)
        self._has_told = False

    def write(self, pl_module: Any, batch: Batch, prediction: Any) -> None:
        """Writes the predictions of one batch, or collects them."""
        raise NotImplementedError

    def start_frames(self, pl_module: Any, frames: Frames, files: contextlib.ExitStack) -> None:
        """Opens what is written frame by frame beside the video, such as a table.

        Args:
            pl_module: The model.
            frames: What is predicted.
            files: Closed after the last frame, also if an error ends them.
        """

    def averaged(self, batch: Batch, prediction: Any) -> Any:
        """The prediction for frames, averaged over those before; see `smooth`."""
        return self.average(prediction)

    def draw(self, pl_module: Any, frame: Frame, prediction: Tensor) -> Pixels:
        """A frame with what is predicted for it, RGB (H, W, 3), called in a thread; writes its rows of tables too."""
        raise NotImplementedError

    def made(self) -> dict[str, Path]:
        """Paths of what was written, by a short name."""
        raise NotImplementedError

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.output_dir is not None:
            self.folder = as_path(self.output_dir)
        else:
            self.folder = RunLayout(checkpoint_folder(trainer) or settle_folder(trainer)).predictions
        self.scale = getattr(getattr(trainer, "datamodule", None), "scale", None)
        loaders = getattr(trainer, "predict_dataloaders", None)
        self.frames = getattr(getattr(loaders, "dataset", None), "frames", None)
        self._refuse_own_pictures([*inputs_of(loaders), *(self.frames.paths if self.frames else [])])
        self._names = OutputNames(loaders, trainer.world_size)
        return_freed_memory()  # of configuration and checkpoint
        for name in ("", *self.subfolders):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._video = None
        if self.frames is not None:
            self._start_video(trainer, pl_module, self.frames)
        elif self.smooth:
            raise ValueError(f"smooth: expected a video to smooth, got images and {self.smooth:g}; leave it out.")

    def _start_video(self, trainer: L.Trainer, pl_module: L.LightningModule, frames: Frames) -> None:
        if trainer.world_size > 1:
            raise ValueError(
                f"{frames.source}: expected one process for the frames of a video, got {trainer.world_size}; add "
                "--trainer.devices 1."
            )
        if frames.has_sound:
            rank_zero_info(f"{frames.source}: its sound is dropped.")
        self.video_path.parent.mkdir(parents=True, exist_ok=True)
        self.average = RunningAverage(self.smooth)
        self._open.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", "Couldn't infer the batch indices")  # of images; a frame knows its number
        self.start_frames(pl_module, frames, self._open)
        self._video = VideoWriter(self.video_path, frames.fps)
        self._open.callback(self._video.close)
        note_predictions(trainer, self.video_path)

    @property
    def video_path(self) -> Path:
        """The video that is written, if one is predicted."""
        assert self.frames is not None
        return self.folder / self.video_folder / f"{self.frames.name}.webm"

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._open.close()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Ends a video with the frames that were predicted until then."""
        self._open.close()

    def _refuse_own_pictures(self, inputs: Sequence[str | Path]) -> None:
        """Refuses to predict what was written into `subfolders`, as if it were the images of a user."""
        subfolders = () if is_remote(self.folder) else {*self.subfolders, self.video_folder}
        own = {(self.folder / name).resolve() for name in subfolders}
        found = [path for path in inputs if own.intersection(Path(path).resolve().parents)]
        if found:
            raise ValueError(
                f"output_dir: expected a folder outside of the images to predict, got {self.folder}; {len(found)} of "
                f"them lie where predictions are written, by an earlier one as it seems; the first is {found[0]}. "
                "Remove those, or set another output_dir."
            )

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
        if self._video is None:
            self.write(pl_module, batch, prediction)
            return
        for frame, averaged in zip(batch["frame"], self.averaged(batch, prediction), strict=True):
            self._video.write(partial(self.draw, pl_module, frame, averaged.cpu()), frame.time_s)

    def output_name(self, path: str) -> str:
        """Name of the PNG that is written for an image, a POSIX path such as `bonn/x.png`; see `OutputNames`."""
        return self._names[path]

    def output_path(self, subfolder: str, path: str) -> Path:
        """Where the PNG for an image is written; its folder exists."""
        target = self.folder / subfolder / self.output_name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def image_to_draw_on(self, path: str, size: Sequence[int], whole: Tensor | None = None) -> Pixels:
        """The image of a file, RGB (H, W, 3); one above `MAX_DRAWN_PIXELS` at a fraction of its size, as a line says.

        So a drawing fits into memory, and a viewer opens it.

        Args:
            path: The file.
            size: Its (height, width) in the data set, which reads some images with masks as they are stored.
            whole: Its pixels, (C, H, W), if they are in memory.
        """
        image = self._read(Path(path), tuple(size)) if whole is None else whole[:3].permute(1, 2, 0).cpu().numpy()
        height, width = drawn_size(*image.shape[:2])
        if (height, width) == image.shape[:2]:
            return image
        if not self._has_told:
            rank_zero_info(
                f"{path}: its {image.shape[1]}x{image.shape[0]} pixels are drawn as {width}x{height}, as all images "
                f"above {MAX_DRAWN_PIXELS / 1e6:.0f} megapixels are reduced; masks and tables are in full size."
            )
            self._has_told = True
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _read(self, path: Path, size: tuple[int, ...]) -> Pixels:
        image = read_rgb(path, self.scale)
        return image if image.shape[:2] == size else read_rgb(path, self.scale, oriented=False)


def drawn_size(height: int, width: int) -> tuple[int, int]:
    """Height and width in which an image is drawn on: its own, or a whole fraction of it above `MAX_DRAWN_PIXELS`."""
    if height * width <= MAX_DRAWN_PIXELS:
        return height, width
    step = math.ceil(math.sqrt(height * width / REDUCED_PIXELS))
    return max(1, height // step), max(1, width // step)


def rows_of_all(
    trainer: L.Trainer, rows: list[tuple[object, ...]], order: Mapping[str, int] | None = None
) -> list[tuple[object, ...]]:
    """The rows of all processes; of several, in the order of their first column.

    The first column tells which sample a row is about. A sample that several processes have predicted, as a sampler
    gives it to them for equal numbers, has the rows of one of them.

    Args:
        trainer: The trainer.
        rows: The rows of this process.
        order: Position of each sample by its name, in place of the names' own order.
    """
    if trainer.world_size == 1:
        return rows
    gathered: list[list[tuple[object, ...]]] = [[] for _ in range(trainer.world_size)]
    torch.distributed.all_gather_object(gathered, rows)
    rows_of: dict[str, list[tuple[object, ...]]] = {}
    for process_rows in gathered:
        for sample, own in itertools.groupby(process_rows, key=lambda row: str(row[0])):
            rows_of.setdefault(sample, list(own))
    key = None if order is None else order.__getitem__
    return [row for sample in sorted(rows_of, key=key) for row in rows_of[sample]]
