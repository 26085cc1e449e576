"""Values of mask files before they mean a class: ids, or colours packed into one number; counted, and as text."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from triptych.datasets.images import ImageHeader, image_header
from triptych.errors import BadSampleError

Value = int | str
"""An id, or a colour as `#rrggbb`; `#rrggbbaa` if it is not opaque."""

_LOSSY = frozenset({"JPEG", "MPO", "AVIF"})
_SHOWN = 12


def refuse_changed_ids(path: Path, header: ImageHeader) -> None:
    """Refuses a mask whose format changes ids, and one of several images.

    Raises:
        BadSampleError: It is a JPEG, a WebP or AVIF with losses, or has several pages or frames.
    """
    if (lossy := _lossy_format(path, header)) is not None:
        raise BadSampleError(
            f"{path}: expected a mask without losses, got {lossy}, which changes ids; save the masks as PNG, from "
            "where they were drawn."
        )
    if header.pages > 1:
        raise BadSampleError(f"{path}: expected one mask, got {header.pages} pages or frames; save one image a file.")


def read_colors(path: Path, oriented: bool = True) -> npt.NDArray[np.uint32]:
    """Colours of a mask, packed, uint32 (H, W); a palette is applied.

    Raises:
        BadSampleError: It cannot be decoded, or has more than 8 bits per band.
    """
    header = image_header(path)
    if header.bits > 8:
        raise BadSampleError(
            f"{path}: expected a mask of colours with 8 bits per band, got {header.bits} bits; convert it, or map the "
            "ids of one band."
        )
    try:
        with Image.open(path) as image:
            shown = ImageOps.exif_transpose(image) if oriented else image
            bands = np.array(shown.convert("RGBA"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error
    return _packed(bands)


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
    text = ", ".join(f"{value} ({_percent(counts[value] / total)})" for value in shown)
    return text if len(counts) == len(shown) else f"{text} and {len(counts) - len(shown)} more"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %" if fraction >= 0.001 else "< 0.1 %"


def _packed(bands: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(bands).view(np.uint32)[..., 0]


def _lossy_format(path: Path, header: ImageHeader) -> str | None:
    """Name of the format if it loses pixels; None if it keeps them."""
    if header.format in _LOSSY:
        return header.format
    if header.format == "WEBP":
        return None if b"VP8 " not in _webp_chunks(path) else "WebP with losses"
    if header.format == "TIFF":
        with contextlib.suppress(OSError, SyntaxError), Image.open(path) as image:
            compression = str(image.info.get("compression"))
            return f"TIFF compressed as {compression}" if "jpeg" in compression else None
    return None


def _webp_chunks(path: Path) -> set[bytes]:
    """Names of the chunks of a WebP; `VP8 ` holds pixels with losses, `VP8L` without."""
    data, start, names = path.read_bytes(), 12, set()
    while start + 8 <= len(data):
        names.add(data[start : start + 4])
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        start += 8 + size + size % 2
    return names
