"""Images and masks that come as bytes, not as files; they are bounded before they are decoded."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from triptych.errors import BadSampleError
from triptych.images.decode import Channels, decode
from triptych.images.header import ImageHeader, header_of
from triptych.images.limits import refuse_large, refuse_unreadable
from triptych.images.masks import ids_of
from triptych.images.read import as_shown
from triptych.images.scaling import Scale


def uploaded_header(data: bytes, name: str, max_pixels: int) -> ImageHeader:
    """The header of an image in memory.

    Args:
        data: The file.
        name: What the messages call it.
        max_pixels: Number of pixels that is not exceeded.

    Raises:
        BadSampleError: It is not an image, is cut off, or has more pixels.
    """
    path = Path(name)
    header = header_of(io.BytesIO(data), path)
    refuse_large(header, path, max_pixels, "to read")
    return header


def uploaded_image(
    data: bytes, name: str, header: ImageHeader, channels: Channels = 3, scale: Scale | None = None
) -> npt.NDArray[np.uint8]:
    """Pixels of an image in memory, uint8 (H, W, channels), turned as it is shown; see `read_rgb`.

    Args:
        data: The file.
        name: See `uploaded_header`.
        header: Of the file.
        channels: See `triptych.images.READERS`.
        scale: See `read_rgb`.

    Raises:
        BadSampleError: See `read_rgb`; or it has more than 8 bits, and `scale` is None.
    """
    path = Path(name)
    if header.needs_scale and scale is None:
        raise BadSampleError(f"{name}: expected 8 bits, as the model was trained on, got {header.text}; convert it.")
    refuse_unreadable(header, path, channels)
    return as_shown(decode(data, header, channels, path), header, path, channels, scale)


def uploaded_ids(data: bytes, name: str, size: tuple[int, int]) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Class ids (H, W) of a mask in memory; see `read_ids`.

    Args:
        data: The file.
        name: See `uploaded_header`.
        size: (height, width) in pixels of its image, as it is shown.

    Raises:
        BadSampleError: It has another size, or see `read_ids`.
    """
    (height, width), path = size, Path(name)
    shown = header_of(io.BytesIO(data), path).size
    if shown != (width, height):
        raise BadSampleError(
            f"{name}: expected the size of its image, {width}x{height}, got {shown[0]}x{shown[1]} (width x height)."
        )
    return ids_of(data, path)
