"""Reads the pixels of single images and masks; each error names its file."""

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from cv2.utils import logging as cv2_logging
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from triptych.datasets.images.header import ImageHeader, header_of, opened
from triptych.datasets.images.limits import refuse_unreadable
from triptych.datasets.images.orientation import turned
from triptych.datasets.images.scaling import Scale, scaled
from triptych.datasets.images.tiff import plainly_tagged, read_tags
from triptych.errors import BadSampleError, MissingDataError

Channels = Literal[3, 4]

_Pixels = npt.NDArray[Any]
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_JPEG_START, _WITH_ORIENTATION = b"\xff\xd8", (b"Exif", b":Orientation")
_BGRA_AS_RGBA = [2, 1, 0, 3]
_LARGEST_ID = 2**16 - 1
_JPEG_END, _TAIL_BYTES = b"\xff\xd9", 1024
_SMALL_BYTES, _LARGE_PIXELS = 2**20, 2**26


class Reader(Protocol):
    """Protocol of `read_rgb` and `read_rgb_and_more`."""

    def __call__(self, path: Path, scale: Scale | None = None, oriented: bool = True) -> npt.NDArray[np.uint8]: ...


def read_rgb(path: Path, scale: Scale | None = None, oriented: bool = True) -> npt.NDArray[np.uint8]:
    """Reads an image as RGB, uint8 (H, W, 3): grey becomes three equal bands, transparency and a fourth band are left.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP or another file that OpenCV decodes.
        scale: For images of more than 8 bits: the value that becomes 255, or the two that become 0 and 255; see
            `triptych.datasets.images.scaling`.
        oriented: Whether the image is turned as its EXIF orientation says, so that it comes as it is shown.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely; has several pages, bands that are no colours, or too many
            pixels; or holds floats or values below 0, and `scale` is None.
    """
    return _read(path, 3, scale, oriented)


def read_rgb_and_more(path: Path, scale: Scale | None = None, oriented: bool = True) -> npt.NDArray[np.uint8]:
    """Reads an image of RGB and a fourth band, such as near infrared, uint8 (H, W, 4), in the order of the file.

    Args:
        path: See `read_rgb`.
        scale: See `read_rgb`.
        oriented: See `read_rgb`.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: See `read_rgb`; or it has other than four bands.
    """
    return _read(path, 4, scale, oriented)


def read_ids(path: Path, oriented: bool = True) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Reads a mask of class ids (H, W), uint8, or uint16 if the file has more than 8 bits; a palette is not applied.

    Ids of 1, 2 and 4 bits come as 0 and up, not stretched to 255.

    Args:
        path: PNG, TIFF or another file of one band.
        oriented: See `read_rgb`.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It cannot be decoded completely, or holds colours, floats or ids outside 0 to 65535.
    """
    data = _read_bytes(path)
    header = header_of(io.BytesIO(data), path)
    refuse_unreadable(header, path)
    if header.bands != 1 or header.kind not in ("u", "i"):
        raise BadSampleError(
            f"{path}: expected 8-bit class ids, or 16-bit ones, got {header.text} (mode {header.mode or 'unknown'}); "
            "save the ids, not their colours."
        )
    ids = _stored_ids(data, header, path)
    return turned(ids, header.orientation) if oriented else ids


def _read(path: Path, channels: Channels, scale: Scale | None, oriented: bool) -> npt.NDArray[np.uint8]:
    data = _read_bytes(path)
    if channels == 3 and _is_plain_jpeg(data) and (rgb := _imdecode(data, _RGB)) is not None:
        return rgb
    header = header_of(io.BytesIO(data), path)
    refuse_unreadable(header, path, channels)
    pixels = _stored_pixels(data, header, channels, path)
    if header.needs_scale:
        pixels = scaled(pixels, header, scale, path)
    if channels == 3 and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return np.asarray(turned(pixels, header.orientation) if oriented else pixels, dtype=np.uint8)


def _is_plain_jpeg(data: bytes) -> bool:
    """Whether an image is small, of 8 bits, a single page and not turned, as its bytes tell at no cost."""
    if len(data) > _SMALL_BYTES or not data.startswith(_JPEG_START):
        return False
    return not any(text in data for text in _WITH_ORIENTATION)


def _stored_pixels(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> _Pixels:
    """Pixels as stored, RGB first: uint8 (H, W, channels) of 8 bits, else (H, W) or (H, W, channels) of their type."""
    is_tiff = header.format == "TIFF"
    pixels = _decode_tiff(data, header, channels, path) if is_tiff else _decode(data, header, channels, path)
    if pixels is None:
        what = f"this TIFF of {header.text}" if is_tiff else "it"
        raise BadSampleError(f"{path}: expected an image, but {what} cannot be decoded; replace the file.")
    return pixels


def _decode(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> _Pixels | None:
    """See `_stored_pixels`; None if it cannot be decoded."""
    if channels == 3 and not header.needs_scale:
        is_large = math.prod(header.size) > _LARGE_PIXELS and _ends_whole(data, header) and str(path).isascii()
        return _decode_in_place(path, header) if is_large else _imdecode(data, _RGB)
    pixels = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or 8 * pixels.dtype.itemsize < header.bits or np.atleast_3d(pixels).shape[2] < header.bands:
        return None  # some kinds are cut to 8 bits or to one band
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., _BGRA_AS_RGBA[:channels]])


def _decode_tiff(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> _Pixels | None:
    tags = read_tags(io.BytesIO(data))
    if tags.planar and header.needs_scale:  # OpenCV mixes up such bands
        raise BadSampleError(f"{path}: {header.text}, one after the other, are not read; save them pixel by pixel.")
    plain = plainly_tagged(data, tags)
    pixels = _decode(plain, header, channels, path)
    if pixels is None and not header.needs_scale and channels == 3:  # such as 4 bits, which OpenCV does not decode
        pixels = _pillow_rgb(plain)
    if pixels is not None and header.needs_scale and header.kind == "u":
        packed = 8 * pixels.dtype.itemsize - header.bits  # OpenCV puts 12 bits into the upper ones of 16
        pixels = pixels >> packed if packed else pixels
        if tags.white_is_zero:
            pixels = 2**header.bits - 1 - pixels
    return pixels


def _pillow_rgb(data: bytes) -> _Pixels | None:
    try:
        with TiffImageFile(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _stored_ids(data: bytes, header: ImageHeader, path: Path) -> Any:
    try:
        if header.format == "TIFF":
            file = TiffImageFile(io.BytesIO(plainly_tagged(data, read_tags(io.BytesIO(data)))))
        else:
            file = opened(io.BytesIO(data), data[:16])
        with file as image:
            ids = np.array(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error
    if header.mode == "L" and header.bits < 8:
        ids //= 255 // (2**header.bits - 1)  # Pillow has stretched them
    if ids.size and not 0 <= ids.min() <= ids.max() <= _LARGEST_ID:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise BadSampleError(f"{path}: expected class ids from 0 to {_LARGEST_ID}, got {wrong}; correct the mask.")
    return ids.astype(np.uint8 if header.bits <= 8 else np.uint16, copy=False)


def _ends_whole(data: bytes, header: ImageHeader) -> bool:
    """Whether an image is surely not cut off, as its header or its last bytes tell."""
    return header.format == "PNG" or (header.format == "JPEG" and _JPEG_END in data[-_TAIL_BYTES:])


def _decode_in_place(path: Path, header: ImageHeader) -> _Pixels | None:
    """RGB pixels in memory of ours: what OpenCV returns, it copies, and a large image twice does not fit into memory.

    A file that is cut off might go unseen here.
    """
    width, height = header.stored_size
    with _silent_opencv():
        pixels: _Pixels | None = cv2.imread(str(path), np.empty((height, width, 3), np.uint8), _RGB)
    return pixels


def _imdecode(data: bytes, flags: int) -> _Pixels | None:
    """The pixels; None if OpenCV cannot decode them."""
    with _silent_opencv():
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:
            return None
    return None if pixels is None else np.asarray(pixels)


@contextmanager
def _silent_opencv() -> Iterator[None]:
    """Context in which OpenCV writes no lines of its own about broken files; the error that names the file says it."""
    level = cv2_logging.getLogLevel()
    cv2_logging.setLogLevel(cv2_logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2_logging.setLogLevel(level)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"{path}: no such file; expected an image.") from error


READERS: dict[Channels, Reader] = {3: read_rgb, 4: read_rgb_and_more}
"""How an image is read, by its number of channels."""
