"""Values of mask files before they mean a class: ids, or colours packed into one number; counted, and as text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych.images import image_header, read_rgba

Value = int | str
"""An id, or a colour as `#rrggbb`; `#rrggbbaa` if it is not opaque."""

_SHOWN = 12


def read_colors(path: Path, oriented: bool = True) -> npt.NDArray[np.uint32]:
    """Colours of a mask, packed, uint32 (H, W); see `read_rgba`."""
    return _packed(read_rgba(path, oriented))


def palette_of(path: Path) -> dict[int, str]:
    """Colour of each id of an indexed mask, as `#rrggbb`; empty without a palette."""
    if image_header(path).mode != "P":
        return {}
    with Image.open(path) as image:
        channels = bytes(image.getpalette("RGB") or ())
    return {start // 3: f"#{channels[start : start + 3].hex()}" for start in range(0, len(channels), 3)}


def pack(color: tuple[int, ...]) -> int:
    """One number for a colour (red, green, blue, alpha), as in `read_colors`."""
    return int(_packed(np.array(color, dtype=np.uint8)))


def value_text(value: int, by_color: bool) -> Value:
    """An id as it is; a packed colour as text."""
    if not by_color:
        return value
    red, green, blue, alpha = np.array([value], dtype=np.uint32).view(np.uint8).tolist()
    return f"#{bytes((red, green, blue)).hex()}" + ("" if alpha == 255 else f"{alpha:02x}")


def runs(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Value and length of each run of equal pixels, row by row: masks have far fewer runs than pixels."""
    flat = values.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[starts], np.diff(starts, append=len(flat))


def count_values(values: npt.NDArray[Any]) -> dict[int, int]:
    """Number of pixels of each value that occurs, in the order of the values."""
    found, lengths = runs(values)
    distinct, position = np.unique(found, return_inverse=True)
    counts = np.bincount(position, weights=lengths).astype(np.int64)
    return dict(zip(distinct.tolist(), counts.tolist(), strict=True))


def counts_text(counts: Mapping[Value, int]) -> str:
    """Values with their fraction of the pixels, such as `0 (80.4 %), 255 (19.6 %)`; of many only the most frequent."""
    total = sum(counts.values())
    by_count = sorted(counts, key=lambda value: -counts[value])[:_SHOWN]
    shown = [value for value in counts if value in by_count]
    text = ", ".join(f"{value} ({percent(counts[value] / total)})" for value in shown)
    return text if len(counts) == len(shown) else f"{text} and {len(counts) - len(shown)} more"


def percent(fraction: float) -> str:
    """A fraction in percent, with a digit after the point."""
    return f"{100 * fraction:.1f} %" if fraction >= 0.0005 or not fraction else "< 0.1 %"


def _packed(bands: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(bands).view(np.uint32)[..., 0]
