"""Figures of samples as the model gets them, each with its target."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.marks import mark_keys
from triptych.draw.masks import Classes, class_keys, paint
from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import sentence

TILE_WIDTH = {"mask": 2.9, "point": 2.2, "labels": 1.9}
"""Width of a tile in inches, by the kind of target."""


def mask_batch(samples: Sequence[Mapping[str, Any]], classes: Classes, columns: int) -> Figure:
    """Images overlaid with the colours of their masks, and a legend of the classes that occur.

    Args:
        samples: At least one, each with `image`, `mask` and `path`.
        classes: What the ids of the masks mean.
        columns: Number of samples in a row.
    """
    masks = [sample["mask"].numpy() for sample in samples]
    pictures = [paint(rgb(sample["image"]), mask, classes) for sample, mask in zip(samples, masks, strict=True)]
    tiles = [Tile(picture, name) for picture, name in zip(pictures, _names(samples), strict=True)]
    return sheet(tiles, columns, TILE_WIDTH["mask"], class_keys(masks, classes))


def point_batch(samples: Sequence[Mapping[str, Any]], columns: int) -> Figure:
    """Images with a ring around each true point that is not missing; see `mask_batch`."""
    images = [rgb(sample["image"]) for sample in samples]
    tiles = [
        Tile(image, name, true_points=to_pixels(sample["point"], image))
        for sample, image, name in zip(samples, images, _names(samples), strict=True)
    ]
    return sheet(tiles, columns, TILE_WIDTH["point"], mark_keys(predicted=False))


def tag_batch(samples: Sequence[Mapping[str, Any]], tags: Sequence[str], columns: int) -> Figure:
    """Images with their tags below; see `mask_batch`.

    Args:
        samples: At least one, each with `image`, `labels` and `path`.
        tags: Names of the tags.
        columns: Number of samples in a row.
    """
    tag_lists = [", ".join(tags[i] for i in sample["labels"].nonzero().flatten()) or "no tags" for sample in samples]
    tiles = [
        Tile(rgb(sample["image"]), name, sentence(tag_list))
        for sample, name, tag_list in zip(samples, _names(samples), tag_lists, strict=True)
    ]
    return sheet(tiles, columns, TILE_WIDTH["labels"])


def rgb(image: Tensor) -> npt.NDArray[np.uint8]:
    """An image (C, H, W) as uint8 (H, W, 3), without the channels after the third."""
    pixels: npt.NDArray[np.uint8] = image[:3].permute(1, 2, 0).cpu().numpy()
    return pixels


def to_pixels(points: Any, image: npt.NDArray[np.uint8]) -> list[list[float]]:
    """Converts points (P, 2), (y, x) in [-1, 1], to pixels of the image."""
    height, width = image.shape[:2]
    return [[(y + 1) / 2 * height, (x + 1) / 2 * width] for y, x in points.tolist()]


def short_names(paths: Sequence[str]) -> list[str]:
    """File names; with the name of their folder if the files are in several folders."""
    files = [Path(path) for path in paths]
    with_folder = len({file.parent for file in files}) > 1
    return [f"{file.parent.name}/{file.name}" if with_folder else file.name for file in files]


def _names(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    return short_names([sample["path"] for sample in samples])
