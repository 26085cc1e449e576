"""Reading single pictures, each failure naming its file."""

from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.TiffImagePlugin import EXTRASAMPLES, TiffImageFile

from triptych.errors import BadSampleError, MissingDataError

_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_UNASSOCIATED_ALPHA = 2  # of TIFF's tag ExtraSamples
_TAIL_BYTES = 1024  # some programs write a few bytes after the end


class ImageHeader(NamedTuple):
    """What a file says of itself: `size` as (width, height) in pixels, `mode` in Pillow's words."""

    size: tuple[int, int]
    mode: str


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """One picture of any kind as RGB, uint8 (H, W, 3).

    Raises:
        MissingDataError: The file is not there.
        BadSampleError: It cannot be decoded whole.
    """
    return np.asarray(_decode(path, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def read_rgb_and_more(path: Path) -> npt.NDArray[np.uint8]:
    """One picture of RGB and a fourth band, such as near infrared, uint8 (H, W, 4).

    Raises:
        MissingDataError: The file is not there.
        BadSampleError: It cannot be decoded whole, or has other than four channels of 8 bits.
    """
    bands = _decode(path, cv2.IMREAD_UNCHANGED)
    channels, bits = bands.shape[2] if bands.ndim == 3 else 1, 8 * bands.dtype.itemsize
    if (channels, bits) != (4, 8):
        raise BadSampleError(
            f"{path}: expected 4 channels of 8 bits (RGB and one more), got {channels} of {bits} bits; "
            "convert the file, or set channels to 3 where it is RGB."
        )
    if _calls_a_band_alpha(path):  # OpenCV has multiplied the colours by it
        with Image.open(path) as image:
            return np.array(image)
    return np.asarray(bands[..., [2, 1, 0, 3]])


def read_ids(path: Path) -> npt.NDArray[np.uint8]:
    """One mask of class ids as they stand in the file, uint8 (H, W); a palette is not applied.

    Raises:
        MissingDataError: The file is not there.
        BadSampleError: It cannot be decoded whole, or holds colours.
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
    """Size and mode of a picture without decoding it.

    Raises:
        MissingDataError: The file is not there.
        BadSampleError: It is no picture, or a PNG that was cut off.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected a picture.")
    with path.open("rb") as file:
        try:
            with Image.open(file) as image:
                header = ImageHeader(image.size, image.mode)
        except (OSError, SyntaxError) as error:  # OSError: unknown, or cut off within the header
            raise BadSampleError(f"{path}: expected a picture, got a file that is none or is cut off.") from error
        file.seek(0)
        start = file.read(8)
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    _refuse_cut_png(path, start, tail)
    return header


def _decode(path: Path, flags: int) -> npt.NDArray[Any]:
    data = _read_bytes(path)
    _refuse_cut_png(path, data[:8], data[-_TAIL_BYTES:])
    # an empty buffer is an error to OpenCV, anything else it cannot read gives None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise BadSampleError(f"{path}: expected a picture, but it cannot be decoded; replace the file.")
    return np.asarray(image)


def _calls_a_band_alpha(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return isinstance(image, TiffImageFile) and image.tag_v2.get(EXTRASAMPLES) == (_UNASSOCIATED_ALPHA,)
    except (OSError, ValueError):  # a kind of TIFF that Pillow does not know, and it knows those with alpha
        return False


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected a picture.")
    return path.read_bytes()


def _refuse_cut_png(path: Path, start: bytes, tail: bytes) -> None:
    """A PNG ends in its IEND chunk; decoders may fill a cut one with grey instead of failing."""
    if start == _PNG_START and _PNG_END not in tail:
        raise BadSampleError(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")
