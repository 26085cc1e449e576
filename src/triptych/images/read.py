"""Reads the pixels of single images; each error names its file."""

import io
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from triptych.errors import MissingDataError
from triptych.images.decode import Channels, decode, decode_large, decode_plain_jpeg, is_large
from triptych.images.header import ImageHeader, header_of
from triptych.images.limits import refuse_unreadable
from triptych.images.orientation import turned
from triptych.images.scaling import Scale, scaled


class Reader(Protocol):
    """Protocol of `read_rgb` and `read_rgb_and_more`."""

    def __call__(self, path: Path, scale: Scale | None = None, oriented: bool = True) -> npt.NDArray[np.uint8]: ...


def read_rgb(path: Path, scale: Scale | None = None, oriented: bool = True) -> npt.NDArray[np.uint8]:
    """Reads an image as RGB, uint8 (H, W, 3): grey becomes three equal bands, transparency and a fourth band are left.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP or another file that OpenCV decodes.
        scale: For images of more than 8 bits: the value that becomes 255, or the two that become 0 and 255; see
            `triptych.images.scaling`.
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


def _read(path: Path, channels: Channels, scale: Scale | None, oriented: bool) -> npt.NDArray[np.uint8]:
    data = read_bytes(path)
    if channels == 3 and (rgb := decode_plain_jpeg(data)) is not None:
        return rgb
    header = header_of(io.BytesIO(data), path)
    refuse_unreadable(header, path, channels)
    if is_large(data, header, channels, path):
        del data
        pixels = decode_large(path, header)
    else:
        pixels = decode(data, header, channels, path)
    return as_shown(pixels, header, path, channels, scale, oriented)


def as_shown(
    pixels: npt.NDArray[Any],
    header: ImageHeader,
    path: Path,
    channels: Channels,
    scale: Scale | None = None,
    oriented: bool = True,
) -> npt.NDArray[np.uint8]:
    """Decoded pixels as `read_rgb` and `read_rgb_and_more` give them: of 8 bits, of all bands, and turned.

    Args:
        pixels: As they are stored; see `decode`.
        header: Of their file.
        path: Of the file.
        channels: 3 repeats grey.
        scale: See `read_rgb`.
        oriented: See `read_rgb`.

    Raises:
        BadSampleError: They are floats or have values below 0, and `scale` is None.
    """
    if header.needs_scale:
        pixels = scaled(pixels, header, scale, path)
    if channels == 3 and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return np.asarray(turned(pixels, header.orientation) if oriented else pixels, dtype=np.uint8)


def read_bytes(path: Path) -> bytes:
    """The bytes of an image file.

    Raises:
        MissingDataError: The file does not exist.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"{path}: no such file; expected an image.") from error


READERS: dict[Channels, Reader] = {3: read_rgb, 4: read_rgb_and_more}
"""How an image is read, by its number of channels."""
