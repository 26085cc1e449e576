"""The keys of a record, as a data set reads it, and of a sample, as a model gets it."""

from typing import Literal, Protocol, TypedDict

import numpy as np
import numpy.typing as npt
from torch import Tensor

Split = Literal["train", "val", "test"]
Target = Literal["mask", "point", "labels"]
"""The key of what is to be predicted."""


class _RecordOfImage(TypedDict):
    image: npt.NDArray[np.uint8]
    path: str


class Record(_RecordOfImage, total=False):
    """One image and what is labelled in it, before any transform.

    `image` uint8 (H, W, C), RGB first; `path` of its file; and, if the data set has them, `mask` uint8 (H, W) of class
    ids, `keypoints` float64 (P, 2) as (x, y) in pixels, `labels` float32 (L,), 1 for each tag that is true.
    """

    mask: npt.NDArray[np.uint8]
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
    """One image and what is to be predicted, after the transforms.

    `image` uint8 (C, H, W); `path` of its file; `size` int64 (2,), height and width of the image in its file; and, if
    the record has them, `mask` int64 (H, W), `point` float32 (P, 2) as (y, x) in [-1, 1] of this image, `labels`
    float32 (L,). Beside `point` stands `only_resized`: True if no random augmentation kept the point inside, so the
    sample was only resized.
    """

    only_resized: bool


class _BatchOfImages(TypedDict):
    image: Tensor
    path: list[str]
    size: Tensor


class Batch(_BatchOfImages, _Labels, total=False):
    """Samples side by side: the keys of `Sample`, each tensor with N in front."""

    only_resized: Tensor


class Records(Protocol):
    """What a data set offers: a length and records."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Record: ...
