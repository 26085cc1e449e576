"""The frames of a video as samples, each a batch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from triptych.datasets.camera import Camera
from triptych.datasets.frames import Frame, Frames, NumberedFrames
from triptych.datasets.read_ahead import read_ahead
from triptych.datasets.sample import FrameSample
from triptych.datasets.video import VIDEO_SUFFIXES, Video
from triptych.errors import BadSampleError
from triptych.images import Scale
from triptych.transforms import Pipeline

_DEPTH = 4
"""Frames that wait for the network."""


def frames_at(path: str, fps: float | None, scale: Scale | None) -> Frames | None:
    """The frames of what is to be predicted; None if it is images.

    Args:
        path: A video file, the number of a camera, or a folder of numbered frames, if `fps` is given.
        fps: Frames per second of the folder.
        scale: How images of more than 8 bits are read.

    Raises:
        MissingDataError: The file, the camera or the frames do not exist.
        BadSampleError: The file is no video.
        ValueError: `fps` is not above 0, or is given with anything but a folder.
    """
    if fps is not None:
        if fps <= 0 or not Path(path).is_dir():
            raise ValueError(
                f"fps: expected a rate above 0, for a folder of numbered frames, got {fps:g} for predict_path {path}."
            )
        return NumberedFrames(Path(path), fps, scale)
    if path.isdigit() and not Path(path).exists():
        return Camera(int(path))
    return Video(Path(path)) if Path(path).suffix.lower() in VIDEO_SUFFIXES else None


class FrameSamples(IterableDataset[FrameSample]):
    """Samples of frames, transformed by a pipeline; a few are read ahead in a thread.

    A source that breaks off ends the samples; `fault` then is its error, which is to be raised when what was read is
    predicted.

    Args:
        frames: Where they come from.
        pipeline: Applied to each frame.
        tile: See `SampleDataset`.
    """

    def __init__(self, frames: Frames, pipeline: Pipeline, tile: int | None = None) -> None:
        self.frames, self.pipeline, self.tile = frames, pipeline, tile
        self.fault: BadSampleError | None = None

    def __iter__(self) -> Iterator[FrameSample]:
        self.fault = None
        try:
            yield from read_ahead(map(self._sample, self.frames), _DEPTH)
        except BadSampleError as error:
            self.fault = error

    def _sample(self, frame: Frame) -> FrameSample:
        image = torch.from_numpy(self.pipeline(image=frame.pixels)["image"]).permute(2, 0, 1)
        sample = FrameSample(
            image=image, path=self.frames.source, size=torch.tensor(frame.pixels.shape[:2]), frame=frame
        )
        if self.tile is not None:
            sample["tile"] = self.tile
        return sample


def frame_loader(samples: FrameSamples) -> DataLoader[FrameSample]:
    """A loader of batches of one frame: what counts batches, as a progress bar does, counts frames."""
    return DataLoader(samples, batch_size=1, collate_fn=_batch)


def _batch(samples: Sequence[FrameSample]) -> Any:
    (sample,) = samples
    batch = {"image": sample["image"][None], "size": sample["size"][None], "path": [sample["path"]]}
    tile = {"tile": torch.tensor([sample["tile"]])} if "tile" in sample else {}
    return {**batch, **tile, "frame": [sample["frame"]]}
