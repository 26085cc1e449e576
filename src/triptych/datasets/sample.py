"""Types of a record, as a data set reads it, and of a sample and a batch, as a model gets them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor

from triptych.datasets.frames import Frame
from triptych.models.network import Encoded

Split = Literal["train", "val", "test"]
Target = Literal["mask", "point", "labels", "category", "next"]
"""Key of the target in a sample."""
Input = Literal["image", "tokens"]
"""Key of a network's input in a sample."""


_TARGET_WORDS: dict[Target, str] = {
    "mask": "masks",
    "point": "points",
    "labels": "tags",
    "category": "the category of a text",
    "next": "the next token of a text",
}


def wrong_target(model: type, of_model: Target, data: type, of_data: Target) -> str:
    """The message that a model predicts something else than the data hold."""
    return (
        f"{model.__name__} predicts {_TARGET_WORDS[of_model]}, but {data.__name__} has {_TARGET_WORDS[of_data]}; "
        "choose a model and data of one task."
    )


class _RecordOfImage(TypedDict):
    image: npt.NDArray[np.uint8]
    path: str


class Record(_RecordOfImage, total=False):
    """One image and its labels, before any transform.

    `image` uint8 (H, W, C), RGB first; `path` of its file; and, if the data set has them, `mask` uint8 (H, W) of class
    ids, `keypoints` float64 (P, 2) as (x, y) in pixels, NaN for a missing point, `labels` float32 (L,), 1 for each tag
    that is true. `size` is the height and width of the image in its file, where `image` is smaller.
    """

    mask: npt.NDArray[np.uint8]
    size: tuple[int, int]
    keypoints: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float32]


class _Labels(TypedDict, total=False):
    mask: Tensor
    point: Tensor
    labels: Tensor


class _SampleOfImage(TypedDict):
    image: Tensor
    path: str
    size: Tensor


class Sample(_SampleOfImage, _Labels, total=False):
    """One image and its target, after the transforms.

    `image` uint8 (C, H, W); `path` of its file; `size` int64 (2,), height and width of the image in its file; and, if
    the record has them, `mask` int64 (H, W), `point` float32 (P, 2) as (y, x) in [-1, 1] of this image, NaN for a
    missing point, `labels` float32 (L,). A sample with `point` also has `only_resized`: True if no random augmentation
    kept the points inside, so the sample was only resized. One with `tile` is a whole image, to be predicted in tiles
    of that side in pixels.
    """

    only_resized: bool
    tile: int


class TextSample(TypedDict, total=False):
    """One text and its target.

    `tokens` int64 (T,) ids in a vocabulary; `path` of its table, with its row, or of its file; `size` int64 (), number
    of tokens; and `category` int64 (), index of its category, or `next` int64 (T,), the token after each, -100 where
    none is known.
    """

    tokens: Tensor
    path: str
    size: Tensor
    category: Tensor
    next: Tensor


class TextBatch(TypedDict, total=False):
    """A batch of texts: the keys of `TextSample`, each tensor with a first dimension N, padded on the right."""

    tokens: Tensor
    path: list[str]
    size: Tensor
    category: Tensor
    next: Tensor


class FrameSample(_SampleOfImage, total=False):
    """One frame of a video: the keys of `Sample` without a target, and the frame itself, which is drawn on."""

    frame: Frame
    tile: int


class _BatchOfImages(TypedDict):
    image: Tensor
    path: list[str]
    size: Tensor


class Batch(_BatchOfImages, _Labels, total=False):
    """A batch of samples: the keys of `Sample`, each tensor with a first dimension N, and `frame` of a video.

    A batch of `StoredViews` has in place of `image` the `features` that an encoder gave for it, and the `key` of each
    sample.
    """

    features: Encoded
    key: list[tuple[int, int]]
    frame: list[Frame]
    only_resized: Tensor
    tile: Tensor


class Records(Protocol):
    """Protocol of a data set: a length, and a record for each index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Record: ...


@runtime_checkable
class FileRecords(Records, Protocol):
    """Protocol of a data set with one image file a record."""

    @property
    def paths(self) -> Sequence[Path]:
        """Path of each record's image."""


Pixels = tuple[npt.NDArray[np.uint8], ...]
"""The pixels of a record: its image uint8 (H, W, C), and if it has one its mask uint8 (H, W)."""


@runtime_checkable
class PixelRecords(FileRecords, Protocol):
    """Protocol of a data set whose pixels depend on files and settings alone, so that they can be kept decoded."""

    @property
    def reading(self) -> Mapping[str, Any]:
        """The settings on which the pixels depend; those with the same `repr` give the same pixels."""

    def files(self, index: int, /) -> tuple[Path, ...]:
        """The files of the pixels of a record: its image, and if it has one its mask."""

    def pixels(self, index: int, /) -> Pixels:
        """Reads the pixels of a record."""

    def with_pixels(self, index: int, pixels: Pixels, /) -> Record:
        """The record, with these pixels."""
