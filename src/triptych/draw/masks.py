"""Masks over images: classes in their colours, void hatched, wrong pixels marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.patches import Patch

Pixels = npt.NDArray[np.uint8]

_OPACITY = 0.6
_STRIPES = 40  # along the shorter side
_LIGHT, _DARK = (235, 235, 235), (70, 70, 70)
_WRONG = (235, 0, 75)
_VOID_LABEL = "void, not scored"


@dataclass(frozen=True)
class Classes:
    """The classes of a mask's ids.

    Args:
        names: Name of each class.
        colors: RGB of each class, uint8 (C, 3).
        ignore_index: Class id of void pixels; it need not have a name. None if every pixel is labelled.
    """

    names: Sequence[str]
    colors: Pixels
    ignore_index: int | None


def paint(image: Pixels, ids: npt.NDArray[np.int64], classes: Classes) -> Pixels:
    """The image overlaid with the colours of its classes, and with stripes on void pixels.

    Args:
        image: RGB (H, W, 3).
        ids: Class ids (H, W).
        classes: The classes of the ids.
    """
    void = ids == classes.ignore_index
    return _hatched(_blend(image, classes.colors[np.where(void, 0, ids)], _OPACITY), image, void)


def mark_wrong(
    image: Pixels, ids: npt.NDArray[np.int64], target: npt.NDArray[np.int64], ignore_index: int | None
) -> Pixels:
    """The image in grey, with wrong pixels in red and stripes on void pixels.

    Args:
        image: RGB (H, W, 3).
        ids: Predicted class ids (H, W).
        target: True class ids (H, W).
        ignore_index: Class id of void pixels.
    """
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    wrong = (ids != target)[..., None]
    marked = np.where(wrong, _blend(grey, np.array(_WRONG), 0.75), grey)
    return _hatched(np.rint(marked).astype(np.uint8), image, target == ignore_index)


def class_keys(masks: Iterable[npt.NDArray[np.int64]], classes: Classes) -> list[tuple[Artist, str]]:
    """Handle and name of each class that occurs, the most frequent first and void last."""
    counts = sum(np.bincount(mask.ravel(), minlength=256) for mask in masks)
    assert isinstance(counts, np.ndarray)
    keys: list[tuple[Artist, str]] = []
    for i in np.argsort(-counts, kind="stable").tolist():
        if counts[i] and i != classes.ignore_index:
            keys.append((_patch(classes.colors[i].tolist()), classes.names[i]))
    if classes.ignore_index is not None and counts[classes.ignore_index]:
        keys.append((_void_patch(), _VOID_LABEL))
    return keys


def error_keys() -> list[tuple[Artist, str]]:
    """Handle and label of what `mark_wrong` draws."""
    return [(_patch(_WRONG), "wrong"), (_void_patch(), _VOID_LABEL)]


def _blend(image: npt.NDArray[Any], colors: npt.NDArray[Any], opacity: float) -> Pixels:
    blend: Pixels = np.rint((1 - opacity) * image + opacity * colors).astype(np.uint8)
    return blend


def _hatched(picture: Pixels, image: Pixels, void: npt.NDArray[np.bool_]) -> Pixels:
    """`picture`, but at void pixels the faint `image` under diagonal stripes."""
    rows, columns = np.indices(void.shape)
    step = max(2, min(void.shape) // _STRIPES)
    light = ((rows + columns) // step % 2 == 0)[..., None]
    return np.where(void[..., None], _blend(image, np.where(light, _LIGHT, _DARK), 0.7), picture)


def _void_patch() -> Patch:
    return Patch(facecolor=_hex(_DARK), edgecolor=_hex(_LIGHT), hatch="//////", linewidth=0)


def _patch(color: Sequence[int]) -> Patch:
    return Patch(facecolor=_hex(color), edgecolor="black", linewidth=0.5)


def _hex(color: Sequence[int]) -> str:
    return "#" + bytes(color).hex()
