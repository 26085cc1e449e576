"""Reading single pictures, each failure naming its file."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych.datasets.errors import BadSampleError, MissingDataError

_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
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
    data = _read_bytes(path)
    _refuse_cut_png(path, data[:8], data[-_TAIL_BYTES:])
    # an empty buffer is an error to OpenCV, anything else it cannot read gives None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if image is None:
        raise BadSampleError(f"{path}: expected a picture, but it cannot be decoded; replace the file.")
    return np.asarray(image, dtype=np.uint8)


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


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected a picture.")
    return path.read_bytes()


def _refuse_cut_png(path: Path, start: bytes, tail: bytes) -> None:
    """A PNG ends in its IEND chunk; decoders may fill a cut one with grey instead of failing."""
    if start == _PNG_START and _PNG_END not in tail:
        raise BadSampleError(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")
