"""An image that a user gives: a file, a PIL image or an array."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from triptych.errors import BadSampleError
from triptych.images.header import image_header
from triptych.images.orientation import turned
from triptych.images.read import READERS
from triptych.images.scaling import Scale

GivenImage: TypeAlias = str | Path | Image.Image | npt.NDArray[np.uint8]
"""The path of a file, a PIL image, or an array uint8 (H, W, C) or (H, W), RGB first."""


def given_pixels(image: GivenImage, in_channels: int, scale: Scale | None = None) -> npt.NDArray[np.uint8]:
    """The pixels of an image as it is shown: turned as its EXIF orientation says. An array is not copied.

    Args:
        image: See `GivenImage`.
        in_channels: Channels of the model.
        scale: How a file of more than 8 bits is read, as in training; see `read_rgb`.

    Returns:
        uint8 (H, W, in_channels).

    Raises:
        ValueError: It is something else, has another number of channels, or more than 8 bits and `scale` is None.
        MissingDataError: The file does not exist.
    """
    pixels: object = image
    if isinstance(image, (str, Path)):
        pixels = _read_file(Path(image), in_channels, scale)
    elif isinstance(image, Image.Image):
        pixels = _pixels_of(image, in_channels)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        got = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ValueError(f"image: expected a path, a PIL image or an array uint8 (H, W, C), got {got}.")
    bands = np.atleast_3d(pixels)
    if bands.shape[2] == 1 and in_channels == 3:
        bands = np.repeat(bands, 3, axis=2)
    if bands.shape[2] != in_channels:
        raise ValueError(f"image: expected {in_channels} channels (in_channels), got {bands.shape[2]}.")
    if 0 in bands.shape:
        raise ValueError(f"image: expected at least one pixel, got {bands.shape[1]}x{bands.shape[0]}.")
    return bands


def _read_file(path: Path, in_channels: int, scale: Scale | None) -> npt.NDArray[np.uint8]:
    if scale is None and (header := image_header(path)).needs_scale:
        raise BadSampleError(
            f"{path}: expected 8 bits, got {header.text}; pass the scale of the training data, such as scale=4095 for "
            "12 bits: the value that becomes 255."
        )
    return READERS[4 if in_channels == 4 else 3](path, scale)


def _pixels_of(image: Image.Image, in_channels: int) -> npt.NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")) or (in_channels == 4 and image.mode not in ("RGBA", "RGBX")):
        raise ValueError(
            f"image: expected a PIL image of {in_channels} bands of 8 bits, got mode {image.mode}; pass the path of "
            "the file, with the scale of the training data if it has more than 8 bits."
        )
    stored = image.convert("RGB") if in_channels == 3 and image.mode != "RGB" else image
    return turned(np.asarray(stored), image.getexif().get(ExifTags.Base.Orientation, 1))
