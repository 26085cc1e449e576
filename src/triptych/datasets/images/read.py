"""Reads the pixels of single images and masks; each error names its file."""

import io
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import TiffImageFile

from triptych.datasets.images.decode import Channels, decode, decode_large, decode_plain_jpeg, is_large
from triptych.datasets.images.header import PILLOW_ERRORS, ImageHeader, header_of, opened
from triptych.datasets.images.limits import refuse_unreadable
from triptych.datasets.images.orientation import turned
from triptych.datasets.images.scaling import Scale, scaled
from triptych.datasets.images.tiff import plainly_tagged, read_tags
from triptych.errors import BadSampleError, MissingDataError

_LARGEST_ID, _VOID = 2**16 - 1, 255


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
        instead = "not their colours" if header.bands > 1 else "as whole numbers"
        raise BadSampleError(
            f"{path}: expected 8-bit class ids, or 16-bit ones, got {header.text} (mode {header.mode or 'unknown'}); "
            f"save the ids, {instead}."
        )
    ids = _stored_ids(data, header, path)
    return turned(ids, header.orientation) if oriented else ids


def _read(path: Path, channels: Channels, scale: Scale | None, oriented: bool) -> npt.NDArray[np.uint8]:
    data = _read_bytes(path)
    if channels == 3 and (rgb := decode_plain_jpeg(data)) is not None:
        return rgb
    header = header_of(io.BytesIO(data), path)
    refuse_unreadable(header, path, channels)
    if is_large(data, header, channels, path):
        del data
        pixels = decode_large(path, header)
    else:
        pixels = decode(data, header, channels, path)
    if header.needs_scale:
        pixels = scaled(pixels, header, scale, path)
    if channels == 3 and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
    return np.asarray(turned(pixels, header.orientation) if oriented else pixels, dtype=np.uint8)


def _stored_ids(data: bytes, header: ImageHeader, path: Path) -> Any:
    try:
        if header.format == "TIFF":
            file = TiffImageFile(io.BytesIO(plainly_tagged(data, read_tags(io.BytesIO(data)))))
        else:
            file = opened(io.BytesIO(data), data[:16])
        with file as image:
            ids = np.array(image)
    except PILLOW_ERRORS as error:
        raise BadSampleError(f"{path}: expected a mask, but it cannot be decoded ({error}); replace it.") from error
    if header.mode == "L" and header.bits < 8:
        ids //= 255 // (2**header.bits - 1)  # Pillow has stretched them
    if ids.size and not 0 <= ids.min() <= ids.max() <= _LARGEST_ID:
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise BadSampleError(
            f"{path}: expected class ids from 0 to {_LARGEST_ID}, got {wrong}; correct the mask, in which {_VOID} is "
            "void."
        )
    return ids.astype(np.uint8 if header.bits <= 8 else np.uint16, copy=False)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"{path}: no such file; expected an image.") from error


READERS: dict[Channels, Reader] = {3: read_rgb, 4: read_rgb_and_more}
"""How an image is read, by its number of channels."""
