"""Reads single images; each error names its file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import EXTRASAMPLES, TiffImageFile

from triptych.datasets.large_png import decode_large_png
from triptych.errors import BadSampleError, MissingDataError

Channels = Literal[3, 4]

_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_UNASSOCIATED_ALPHA = 2  # of TIFF's tag ExtraSamples
_PNG_DEPTH_AT = 24
_TAIL_BYTES = 1024  # some programs write a few bytes after the end
_MAX_ID = 65535
_GREY_STEP = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies grey values of 2 and 4 bits by, so that the highest is white."""


class ImageHeader(NamedTuple):
    """Header of an image file.

    `size` as (width, height) in pixels; Pillow's `mode` and `format`, such as L and PNG; number of `bands`, of `bits`
    of each, and of `pages` or frames.
    """

    size: tuple[int, int]
    mode: str
    bands: int
    bits: int
    pages: int
    format: str


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


def read_ids(path: Path, oriented: bool = True) -> npt.NDArray[np.uint8 | np.uint16]:
    """Reads a mask of class ids as they are stored, uint8 or uint16 (H, W); a palette is not applied.

    Args:
        path: The file; 1 bit gives 0 and 1, 2 and 4 bits give 0 to 3 and 0 to 15.
        oriented: Whether the orientation that the file's EXIF data state is applied.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely, or holds colours, or no whole numbers from 0 to 65535.
    """
    image_header(path)
    try:
        with Image.open(path) as image:
            stored_as = _raw_mode(image)
            ids = np.array(ImageOps.exif_transpose(image) if oriented else image)
    except (OSError, SyntaxError) as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error
    if ids.ndim != 2 or ids.dtype.kind not in "bui":
        raise BadSampleError(
            f"{path}: expected 8-bit class ids, or 16-bit ones, got {ids.dtype} of shape {ids.shape}; save the ids, "
            "not their colours."
        )
    if not 0 <= ids.min() <= ids.max() <= _MAX_ID:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise BadSampleError(f"{path}: expected class ids from 0 to {_MAX_ID}, got {wrong}; correct the mask.")
    if stored_as in _GREY_STEP:
        ids //= _GREY_STEP[stored_as]
    return ids.astype(np.uint8 if ids.dtype.itemsize == 1 else np.uint16, copy=False)


def image_header(path: Path) -> ImageHeader:
    """Size and mode of an image, without decoding it.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is not an image, or a PNG that is cut off.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected an image.")
    with path.open("rb") as file:
        start = file.read(_PNG_DEPTH_AT + 1)
        try:
            with Image.open(file) as image:
                bits = start[_PNG_DEPTH_AT] if image.format == "PNG" else _bits_of(image.mode)
                pages = getattr(image, "n_frames", 1)
                header = ImageHeader(
                    image.size, image.mode, len(image.getbands()), bits, pages, format=image.format or ""
                )
        except (OSError, SyntaxError) as error:  # OSError: unknown format, or cut off in the header
            raise BadSampleError(f"{path}: expected an image, got a file that is not one or is cut off.") from error
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


def _bits_of(mode: str) -> int:
    """Bits of a band, by Pillow's mode."""
    return 16 if mode.startswith("I;16") else {"1": 1, "I": 32, "F": 32}.get(mode, 8)


def _raw_mode(image: Image.Image) -> str:
    """How the pixels are stored, in Pillow's words, such as `L;4` for grey values of 4 bits."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected an image.")
    return path.read_bytes()


def _check_png_end(path: Path, start: bytes, tail: bytes) -> None:
    """Raises an error if a PNG lacks its last chunk, IEND; decoders may fill the missing part with grey instead."""
    if start.startswith(_PNG_START) and _PNG_END not in tail:
        raise BadSampleError(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")


READERS: dict[Channels, Callable[[Path], npt.NDArray[np.uint8]]] = {3: read_rgb, 4: read_rgb_and_more}
"""How an image is read, by its number of channels."""
