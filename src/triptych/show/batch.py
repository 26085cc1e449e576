"""Training samples as the model gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from triptych.show.flowing_text import sentence
from triptych.show.marks import mark_keys
from triptych.show.mask_colors import class_keys, paint
from triptych.show.sheet import Tile, sheet

if TYPE_CHECKING:
    from triptych.datamodules.samples import Sample

TILE_WIDTH = {"mask": 2.9, "point": 2.2, "labels": 1.9}
"""In inches, by what a sample holds."""


def batch_figure(samples: Sequence[Sample], facts: Mapping[str, Any], columns: int) -> Figure:
    """Pictures with their masks, points or tags.

    Args:
        samples: At least one, all of one kind.
        facts: What the data module knows: `class_names` and `ignore_index`, or `tags`.
        columns: Samples in a row.
    """
    kind = next(key for key in TILE_WIDTH if key in samples[0])
    names = short_names([sample["path"] for sample in samples])
    images = [rgb(sample) for sample in samples]
    if kind == "mask":
        masks = [sample["mask"].numpy() for sample in samples]
        of_classes = facts["class_names"], facts["ignore_index"]
        pictures = [paint(image, mask, *of_classes) for image, mask in zip(images, masks, strict=True)]
        tiles = [Tile(picture, name) for picture, name in zip(pictures, names, strict=True)]
        return sheet(tiles, columns, TILE_WIDTH[kind], class_keys(masks, *of_classes))
    tiles = []
    for sample, image, name in zip(samples, images, names, strict=True):
        if kind == "point":
            tiles.append(Tile(image, name, true_points=on_picture(sample["point"], image)))
        else:
            tags = [facts["tags"][i] for i in sample["labels"].nonzero().flatten()]
            tiles.append(Tile(image, name, sentence(", ".join(tags))))
    return sheet(tiles, columns, TILE_WIDTH[kind], mark_keys(predicted=False) if kind == "point" else ())


def rgb(sample: Sample) -> npt.NDArray[np.uint8]:
    """The picture of a sample, uint8 (H, W, 3); further bands are left out."""
    picture: npt.NDArray[np.uint8] = sample["image"][:3].permute(1, 2, 0).cpu().numpy()
    return picture


def on_picture(points: Any, image: npt.NDArray[np.uint8]) -> list[list[float]]:
    """Points (P, 2) as (y, x) in [-1, 1], in pixels of the picture."""
    height, width = image.shape[:2]
    return [[(y + 1) / 2 * height, (x + 1) / 2 * width] for y, x in points.tolist()]


def short_names(paths: Sequence[str]) -> list[str]:
    """File names, with their folder where the files are in several."""
    files = [Path(path) for path in paths]
    several = len({file.parent for file in files}) > 1
    return [f"{file.parent.name}/{file.name}" if several else file.name for file in files]
