"""Values of more than 8 bits as uint8: 0 to 255, by a scaling that is stated."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triptych.errors import BadSampleError
from triptych.images.header import ImageHeader
from triptych.images.once import warn_once

Scale = float | Sequence[float]
"""The value that becomes 255, if 0 becomes 0; or the two values that become 0 and 255."""

_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
"""Bits of usual sensors, and of integers in files."""
_NEAR_ONE = 1.5
"""Reflectances are fractions, but bright clouds and noise exceed 1."""
_FAR = 2
"""A lowest value below 0 that is farther from all others than twice their range is no measurement, such as -9999."""
_ROWS = 256  # at once, so that floats of a large image need little memory


def checked_scale(scale: Scale | None) -> tuple[float, float] | None:
    """`scale` as the two values that become 0 and 255.

    Raises:
        ValueError: It is neither a number above 0 nor two rising ones.
    """
    if scale is None:
        return None
    pair = [0.0, float(scale)] if isinstance(scale, (int, float)) else [float(value) for value in scale]
    if len(pair) != 2 or not pair[0] < pair[1] or not all(map(math.isfinite, pair)):
        raise ValueError(
            f"scale: expected the value that becomes 255, above 0, or the two that become 0 and 255, got {scale!r}."
        )
    return pair[0], pair[1]


def scaled(pixels: npt.NDArray[Any], header: ImageHeader, scale: Scale | None, path: Path) -> npt.NDArray[np.uint8]:
    """Pixels of more than 8 bits as uint8: by `scale`, or by the depth of the image with a warning.

    What lies outside becomes 0 or 255, what is not a number 0.

    Args:
        pixels: Of any shape and type.
        header: Of their file.
        scale: See `Scale`. None takes the least of 8, 10, 12, 14 and 16 bits that holds all values of the image, and
            what the file says if it packs, say, 12 bits.
        path: The file, for the messages.

    Raises:
        BadSampleError: `scale` is None, and the pixels are floats or some are below 0.
    """
    limits = checked_scale(scale) or _by_depth(pixels, header, path)
    result = np.empty(pixels.shape, np.uint8)
    for start in range(0, len(pixels), _ROWS):
        result[start : start + _ROWS] = _as_uint8(pixels[start : start + _ROWS], *limits)
    return result


def refused_unscaled(pixels: npt.NDArray[Any], header: ImageHeader, path: Path) -> BadSampleError:
    """The error for an image that is not read without `scale`."""
    low, high = _range(pixels)
    others = pixels[pixels > low]
    above, _ = _range(others)
    missing = ""
    if low < 0 and above < high and low < above - _FAR * (high - above):
        missing, low = f" besides {low:.6g}, probably for no data, which becomes 0", above
    return BadSampleError(
        f"{path}: {header.text}, here from {low:.6g} to {high:.6g}{missing}, are not read without `scale`; "
        f"set scale: {_fitting(low, high, header)}."
    )


def _as_uint8(pixels: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    values = pixels.astype(np.result_type(pixels, np.float32))
    values.clip(low, high, out=values)  # first, since no data may be the lowest float
    values -= low
    values *= 255 / (high - low)
    np.nan_to_num(values, copy=False)
    return np.asarray(np.rint(values.clip(0, 255, out=values), out=values), dtype=np.uint8)


def _by_depth(pixels: npt.NDArray[Any], header: ImageHeader, path: Path) -> tuple[float, float]:
    low, high = _range(pixels)
    if header.kind == "u" and 8 < header.bits < 16:
        return 0, 2**header.bits - 1
    if header.kind not in ("u", "i") or low < 0:
        raise refused_unscaled(pixels, header, path)
    white = 2 ** _depth(high) - 1
    warn_once(
        (path.parent, "scale"),
        f"{path}: {header.text}, here from {low:g} to {high:g}; because `scale` is not set, {white} becomes 255 here, "
        "and each such image is scaled by the bits that its own values need. Set scale: "
        f"{white} to scale all images alike, in prediction too.",
    )
    return 0, white


def _range(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    """Lowest and highest value; 0 and 0 if none is finite."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _fitting(low: float, high: float, header: ImageHeader) -> str:
    """A `scale` that holds the values, in words."""
    if low < -0.1 * high:
        return f"[{low:.6g}, {high:.6g}], the values that become 0 and 255"
    if header.kind == "f" and high <= _NEAR_ONE:
        return "1.0, the value that becomes 255"
    white = math.ceil(high) if header.kind == "f" else 2 ** _depth(high) - 1
    return f"{white}, the value that becomes 255"


def _depth(high: float) -> int:
    return next(depth for depth in _DEPTHS if high < 2**depth)
