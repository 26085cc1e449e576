"""Decodes the bytes of an image file as they are stored: not turned, not scaled, and without a word of OpenCV's."""

import io
import math
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import TiffImageFile

from triptych.errors import BadSampleError
from triptych.images.header import PILLOW_ERRORS, ImageHeader
from triptych.images.silence import silent_opencv
from triptych.images.tiff import plainly_tagged, read_tags

Channels = Literal[3, 4]

_Pixels = npt.NDArray[Any]
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_BGRA_AS_RGBA = [2, 1, 0, 3]
_JPEG_START, _JPEG_END, _TAIL_BYTES = b"\xff\xd8", b"\xff\xd9", 1024
_WITH_ORIENTATION = (b"Exif", b":Orientation")  # the latter of XMP
_SMALL_BYTES, _LARGE_PIXELS = 2**20, 2**26


def decode_plain_jpeg(data: bytes) -> _Pixels | None:
    """A small JPEG that is not turned as uint8 (H, W, 3) RGB, which needs no header; None if it is none, or broken."""
    is_small_jpeg = len(data) <= _SMALL_BYTES and data.startswith(_JPEG_START)
    if not is_small_jpeg or any(text in data for text in _WITH_ORIENTATION):
        return None
    return _imdecode(data, _RGB)


def decode(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> _Pixels:
    """Decodes an image, RGB first: uint8 (H, W, channels) of 8 bits, else (H, W) or (H, W, channels) of their type.

    Args:
        data: The file.
        header: Its header.
        channels: 3 drops transparency and a fourth band.
        path: Of the file.

    Raises:
        BadSampleError: It is cut off or broken, or of a kind that is not decoded.
    """
    is_tiff = header.format == "TIFF"
    return _whole(
        _decode_tiff(data, header, channels, path) if is_tiff else _decode_any(data, header, channels), header, path
    )


def is_large(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> bool:
    """Whether `decode_large` decodes this image too, in less memory."""
    plain = channels == 3 and not header.needs_scale and str(path).isascii()
    return plain and math.prod(header.size) > _LARGE_PIXELS and _ends_whole(data, header)


def decode_large(path: Path, header: ImageHeader) -> _Pixels:
    """RGB pixels (see `decode`) in memory of ours: OpenCV's own are copied, and twice a large image does not fit in.

    The bytes of the file need not be in memory either. A file that is cut off might go unseen here.
    """
    width, height = header.stored_size
    with silent_opencv():
        pixels: _Pixels | None = cv2.imread(str(path), np.empty((height, width, 3), np.uint8), _RGB)
    return _whole(pixels, header, path)


def _whole(pixels: _Pixels | None, header: ImageHeader, path: Path) -> _Pixels:
    if pixels is None:
        what = f"this TIFF of {header.text}" if header.format == "TIFF" else "it"
        raise BadSampleError(f"{path}: expected an image, but {what} cannot be decoded; replace the file.")
    return pixels


def _decode_any(data: bytes, header: ImageHeader, channels: Channels) -> _Pixels | None:
    """See `decode`; None if it cannot be decoded."""
    if channels == 3 and not header.needs_scale:
        return _imdecode(data, _RGB)
    pixels = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None or 8 * pixels.dtype.itemsize < header.bits or np.atleast_3d(pixels).shape[2] < header.bands:
        return None  # some kinds are cut to 8 bits or to one band
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., _BGRA_AS_RGBA[:channels]])


def _decode_tiff(data: bytes, header: ImageHeader, channels: Channels, path: Path) -> _Pixels | None:
    tags = read_tags(io.BytesIO(data))
    if tags.planar and header.needs_scale:  # OpenCV mixes up such bands
        raise BadSampleError(f"{path}: {header.text}, one after the other, are not read; save them pixel by pixel.")
    plain = plainly_tagged(data, tags)
    pixels = _decode_any(plain, header, channels)
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
    except PILLOW_ERRORS:
        return None


def _ends_whole(data: bytes, header: ImageHeader) -> bool:
    """Whether an image is surely not cut off, as its header or its last bytes tell."""
    return header.format == "PNG" or (header.format == "JPEG" and _JPEG_END in data[-_TAIL_BYTES:])


def _imdecode(data: bytes, flags: int) -> _Pixels | None:
    """The pixels; None if OpenCV cannot decode them."""
    with silent_opencv():
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:
            return None
    return None if pixels is None else np.asarray(pixels)
