"""Reads masks, as class ids or as colours, from formats without losses; each error names its file."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from triptych.errors import BadSampleError
from triptych.images.header import PILLOW_ERRORS, ImageHeader, header_of, opened
from triptych.images.limits import refuse_unreadable
from triptych.images.orientation import turned
from triptych.images.read import read_bytes
from triptych.images.tiff import plainly_tagged, read_tags

_LARGEST_ID, _VOID = 2**16 - 1, 255
_LOSSY = frozenset({"JPEG", "MPO", "AVIF"})


class ColouredMaskError(BadSampleError):
    """A mask holds colours, or other bands, where ids are expected."""


def read_ids(path: Path, oriented: bool = True) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Reads a mask of class ids (H, W), uint8, or uint16 if the file has more than 8 bits; a palette is not applied.

    Ids of 1, 2 and 4 bits come as 0 and up, not stretched to 255.

    Args:
        path: PNG, TIFF or another file of one band.
        oriented: Whether the mask is turned as its EXIF orientation says.

    Raises:
        MissingDataError: The file does not exist.
        ColouredMaskError: It holds colours.
        BadSampleError: Its format changes ids, it cannot be decoded completely, or it holds floats or ids outside 0 to
            65535.
    """
    return ids_of(read_bytes(path), path, oriented)


def ids_of(data: bytes, path: Path, oriented: bool = True) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """The class ids of a mask in memory; see `read_ids`.

    Args:
        data: The file.
        path: Its name, for the messages.
        oriented: See `read_ids`.

    Raises:
        ColouredMaskError: See `read_ids`.
        BadSampleError: See `read_ids`.
    """
    header = _header(data, path)
    if header.bands != 1 or header.kind not in ("u", "i"):
        kind, instead = (
            (ColouredMaskError, "not their colours") if header.bands > 1 else (BadSampleError, "as whole numbers")
        )
        raise kind(
            f"{path}: expected 8-bit class ids, or 16-bit ones, got {header.text} (mode {header.mode or 'unknown'}); "
            f"save the ids, {instead}."
        )
    with _opened(data, header, path) as image:
        ids: npt.NDArray[Any] = np.array(image)
    if header.mode == "L" and header.bits < 8:
        ids //= 255 // (2**header.bits - 1)  # Pillow has stretched them
    if ids.size and not 0 <= ids.min() <= ids.max() <= _LARGEST_ID:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise BadSampleError(
            f"{path}: expected class ids from 0 to {_LARGEST_ID}, got {wrong}; correct the mask, in which {_VOID} is "
            "void."
        )
    ids = ids.astype(np.uint8 if header.bits <= 8 else np.uint16, copy=False)
    return turned(ids, header.orientation) if oriented else ids


def read_rgba(path: Path, oriented: bool = True) -> npt.NDArray[np.uint8]:
    """Reads a mask of colours as RGBA, uint8 (H, W, 4); a palette is applied.

    Args:
        path: PNG, TIFF or another file of 8 bits per band.
        oriented: See `read_ids`.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: Its format changes colours, it cannot be decoded completely, or has more than 8 bits per band.
    """
    data = read_bytes(path)
    header = _header(data, path)
    if header.bits > 8:
        raise BadSampleError(
            f"{path}: expected a mask of colours with 8 bits per band, got {header.bits} bits; convert it, or map the "
            "ids of one band."
        )
    with _opened(data, header, path) as image:
        bands: npt.NDArray[np.uint8] = np.array(image.convert("RGBA"))
    return turned(bands, header.orientation) if oriented else bands


def refuse_changed_ids(path: Path, header: ImageHeader, data: bytes | None = None) -> None:
    """Refuses a mask whose format changes ids, and one of several images.

    Args:
        path: The mask.
        header: Its header.
        data: The file, if it has been read.

    Raises:
        BadSampleError: It is a JPEG, a WebP or AVIF with losses, or has several pages or frames.
    """
    if (lossy := _lossy_format(path, header, data)) is not None:
        raise BadSampleError(
            f"{path}: expected a mask without losses, got {lossy}, which changes ids; save the masks as PNG, from "
            "where they were drawn."
        )
    if header.pages > 1:
        raise BadSampleError(f"{path}: expected one mask, got {header.pages} pages or frames; save one image a file.")


def _header(data: bytes, path: Path) -> ImageHeader:
    """The header of a mask that is read."""
    header = header_of(io.BytesIO(data), path)
    refuse_unreadable(header, path)
    refuse_changed_ids(path, header, data)
    return header


@contextlib.contextmanager
def _opened(data: bytes, header: ImageHeader, path: Path) -> Iterator[Any]:
    """The file as Pillow's; what Pillow raises while it is decoded names the file."""
    try:
        if header.format == "TIFF":
            file = TiffImageFile(io.BytesIO(plainly_tagged(data, read_tags(io.BytesIO(data)))))
        else:
            file = opened(io.BytesIO(data), data[:16])
        with file as image:
            yield image
    except PILLOW_ERRORS as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error


def _lossy_format(path: Path, header: ImageHeader, data: bytes | None) -> str | None:
    """Name of the format if it loses pixels; None if it keeps them."""
    if header.format in _LOSSY:
        return header.format
    if header.format == "WEBP":
        chunks = _webp_chunks(path.read_bytes() if data is None else data)
        return None if b"VP8 " not in chunks else "WebP with losses"
    if header.format == "TIFF":
        file = path if data is None else io.BytesIO(data)
        with contextlib.suppress(OSError, SyntaxError), Image.open(file) as image:
            compression = str(image.info.get("compression"))
            return f"TIFF compressed as {compression}" if "jpeg" in compression else None
    return None


def _webp_chunks(data: bytes) -> set[bytes]:
    """Names of the chunks of a WebP; `VP8 ` holds pixels with losses, `VP8L` without."""
    start, names = 12, set()
    while start + 8 <= len(data):
        names.add(data[start : start + 4])
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        start += 8 + size + size % 2
    return names
