"""Images in the size of the network, and its logits in the size of an image, as in validation and `triptych predict`.

Logits are resized one class at a time, so that of a large image never more than three planes are in memory.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Size = tuple[int, int]
"""(height, width) in pixels."""


def resized_image(pixels: Pixels, size: Size) -> Pixels:
    """An image in another size; where it shrinks, pixels are averaged. Source: `evaluation_pipeline`.

    Shape: pixels (H, W, C); result (height, width, C).
    """
    if pixels.shape[:2] == size:
        return pixels
    (height, width), shrinks = size, any(new < old for new, old in zip(size, pixels.shape[:2], strict=True))
    resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def resized_ids(logits: Floats, size: Size) -> Pixels:
    """The class with the highest logit of each pixel, after bilinear resizing.

    The same as `triptych.models.class_ids.resized_ids` without torch, but for pixels where two logits are equal to the
    last digits.

    Shape: logits (C, h, w); result (height, width).
    """
    ids, _ = _highest(logits, size)
    return ids


def resized_confidence(logits: Floats, size: Size) -> Floats:
    """Probability of the class with the highest logit of each pixel, in [0, 1].

    Shape: logits (C, h, w); result (height, width).
    """
    _, highest = _highest(logits, size)
    total = np.zeros(size, np.float32)
    for plane in _planes(logits, size):
        total += np.exp(np.subtract(plane, highest, out=plane), out=plane)
    return np.reciprocal(total, out=total)


def resized_probabilities(logits: Floats, size: Size) -> Floats:
    """Probability of each class of each pixel, in [0, 1]. Shape: logits (C, h, w); result (C, height, width)."""
    _, highest = _highest(logits, size)
    probabilities, total = np.empty((len(logits), *size), np.float32), np.zeros(size, np.float32)
    for plane, result in zip(_planes(logits, size), probabilities, strict=True):
        total += np.exp(np.subtract(plane, highest, out=result), out=result)
    probabilities /= total
    return probabilities


def _highest(logits: Floats, size: Size) -> tuple[Pixels, Floats]:
    """The class with the highest logit of each pixel, and that logit."""
    ids, highest = np.zeros(size, np.uint8), np.full(size, -np.inf, np.float32)
    for index, plane in enumerate(_planes(logits, size)):
        np.copyto(ids, np.uint8(index), where=plane > highest)
        np.maximum(plane, highest, out=highest)
    return ids, highest


def _planes(logits: Floats, size: Size) -> Iterator[Floats]:
    """The resized logits of each class; each plane is valid until the next one and may be changed."""
    height, width = size
    plane = np.empty(size, np.float32)
    for given in logits:
        if given.shape == size:
            np.copyto(plane, given)
        else:
            cv2.resize(given, (width, height), dst=plane, interpolation=cv2.INTER_LINEAR)
        yield plane
