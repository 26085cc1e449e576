"""Frames in the order of time: what a video, a folder of numbered images and a camera have in common."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from triptych.datasets.files import list_images, none_found
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import Scale, checked_scale, read_rgb

USUAL_FPS = 25.0
"""Frames per second of a source that does not tell."""
_MOST_FPS = 240.0
"""A higher rate is no camera's: some files of browsers state 1000, the unit of their times."""


class Frame(NamedTuple):
    """One frame: `pixels` RGB, uint8 (H, W, 3); `number` from 0; `time_s` in seconds from the first frame."""

    pixels: npt.NDArray[np.uint8]
    number: int
    time_s: float


class Frames(Protocol):
    """Protocol of a source of frames, which are read one after another.

    Iteration raises BadSampleError after the last good frame if the source then breaks off.
    """

    name: str
    """What files about it are called, without suffix."""
    source: str
    """What messages call it."""
    fps: float
    """Frames per second; the mean if it varies."""
    count: int | None
    """Number of frames; None if it is not known."""
    has_sound: bool
    paths: list[Path]
    """The files that it is read from."""

    def __iter__(self) -> Iterator[Frame]: ...


def usual_or(fps: float) -> float:
    """The rate that a source states, or `USUAL_FPS` if that cannot be true."""
    return fps if 0 < fps <= _MOST_FPS else USUAL_FPS


class NumberedFrames:
    """The images of a folder as the frames of a video, in the order of the numbers in their names.

    Args:
        folder: The folder.
        fps: Frames per second.
        scale: How images of more than 8 bits are read; see `triptych.images.read_rgb`.

    Raises:
        MissingDataError: The folder does not exist, or holds no images.
        ValueError: `scale` is none.
    """

    has_sound = False

    def __init__(self, folder: Path, fps: float, scale: Scale | None = None) -> None:
        self.name, self.source, self.fps = folder.resolve().name, str(folder), fps
        self.scale = checked_scale(scale)
        self.paths = [folder / name for name in sorted(list_images(folder), key=_by_number)]
        self.count: int | None = len(self.paths)
        if not self.paths:
            raise MissingDataError(f"{folder}: expected numbered frames, {none_found(folder)}.")

    def __iter__(self) -> Iterator[Frame]:
        size = None
        for number, path in enumerate(self.paths):
            pixels = read_rgb(path, self.scale)
            size = size or pixels.shape
            if pixels.shape != size:
                raise BadSampleError(
                    f"{path}: expected {size[1]}x{size[0]} pixels as in {self.paths[0]}, since all frames of a video "
                    f"have one size, got {pixels.shape[1]}x{pixels.shape[0]}."
                )
            yield Frame(pixels, number, number / self.fps)


def _by_number(name: str) -> list[tuple[int, str]]:
    """Key that sorts `x_10.png` after `x_9.png`."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"([0-9]+)", name)]
