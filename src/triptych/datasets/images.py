"""Reads single images; each error names its file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import EXTRASAMPLES, TiffImageFile

from triptych.datasets.large_png import decode_large_png
from triptych.errors import BadSampleError, MissingDataError

Channels = Literal[3, 4]

_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_UNASSOCIATED_ALPHA = 2  # of TIFF's tag ExtraSamples
_TAIL_BYTES = 1024  # some programs write a few bytes after the end


class ImageHeader(NamedTuple):
    """Header of an image file: `size` as (width, height) in pixels, and Pillow's `mode`."""

    size: tuple[int, int]
    mode: str


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """Reads an image of any mode as RGB, uint8 (H, W, 3).

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely.
    """
    return np.asarray(_decode(path, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def read_rgb_and_more(path: Path) -> npt.NDArray[np.uint8]:
    """Reads an image of RGB and a fourth band, such as near infrared, uint8 (H, W, 4).

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely, or does not have four channels of 8 bits.
    """
    bands = _decode(path, cv2.IMREAD_UNCHANGED)
    channels, bits = bands.shape[2] if bands.ndim == 3 else 1, 8 * bands.dtype.itemsize
    if (channels, bits) != (4, 8):
        raise BadSampleError(
            f"{path}: expected 4 channels of 8 bits (RGB and one more), got {channels} of {bits} bits; "
            "convert the file, or set channels to 3 if it is RGB."
        )
    if _has_alpha_tag(path):  # OpenCV has multiplied the colours by it
        with Image.open(path) as image:
            return np.array(image)
    return np.asarray(bands[..., [2, 1, 0, 3]])


def read_ids(path: Path) -> npt.NDArray[np.uint8]:
    """Reads a mask of class ids, uint8 (H, W); a palette is not applied.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely, or holds colours.
    """
    image_header(path)
    try:
        with Image.open(path) as image:
            ids = np.array(image)
    except (OSError, SyntaxError) as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise BadSampleError(f"{path}: expected 8-bit class ids, got {ids.dtype} of shape {ids.shape}.")
    return ids


def image_header(path: Path) -> ImageHeader:
    """Size and mode of an image, without decoding it.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is not an image, or a PNG that is cut off.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected an image.")
    with path.open("rb") as file:
        try:
            with Image.open(file) as image:
                header = ImageHeader(image.size, image.mode)
        except (OSError, SyntaxError) as error:  # OSError: unknown format, or cut off in the header
            raise BadSampleError(f"{path}: expected an image, got a file that is not one or is cut off.") from error
        file.seek(0)
        start = file.read(8)
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    _check_png_end(path, start, tail)
    return header


def _decode(path: Path, flags: int) -> npt.NDArray[Any]:
    data = _read_bytes(path)
    _check_png_end(path, data[:8], data[-_TAIL_BYTES:])
    if flags == cv2.IMREAD_COLOR_RGB and (large := decode_large_png(data)) is not None:
        return large
    # OpenCV raises for an empty buffer, and returns None for anything else that it cannot read
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise BadSampleError(f"{path}: expected an image, but it cannot be decoded; replace the file.")
    return np.asarray(image)


def _has_alpha_tag(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return isinstance(image, TiffImageFile) and image.tag_v2.get(EXTRASAMPLES) == (_UNASSOCIATED_ALPHA,)
    except (OSError, ValueError):  # a TIFF that Pillow cannot read, so without alpha: it reads all of those
        return False


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected an image.")
    return path.read_bytes()


def _check_png_end(path: Path, start: bytes, tail: bytes) -> None:
    """Raises an error if a PNG lacks its last chunk, IEND; decoders may fill the missing part with grey instead."""
    if start == _PNG_START and _PNG_END not in tail:
        raise BadSampleError(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")


READERS: dict[Channels, Callable[[Path], npt.NDArray[np.uint8]]] = {3: read_rgb, 4: read_rgb_and_more}
"""How an image is read, by its number of channels."""
