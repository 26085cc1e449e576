"""Orientation of an image, EXIF's 1 to 8, and of an image and its mask together."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from triptych.errors import BadSampleError
from triptych.images.header import ImageHeader
from triptych.images.once import warn_once


def turned(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Pixels as they are shown, from pixels as they are stored.

    Args:
        pixels: (H, W) or (H, W, C).
        orientation: EXIF's: 1 leaves them as they are, 3 is a half turn, 6 a quarter turn clockwise, 8 one
            anticlockwise; 2, 4, 5 and 7 are the mirrored ones.

    Returns:
        (H, W, ...), or (W, H, ...) for an orientation of 5 to 8.
    """
    match orientation:
        case 2:
            shown = cv2.flip(pixels, 1)
        case 3:
            shown = cv2.rotate(pixels, cv2.ROTATE_180)
        case 4:
            shown = cv2.flip(pixels, 0)
        case 5:
            shown = cv2.transpose(pixels)
        case 6:
            shown = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            shown = cv2.flip(cv2.transpose(pixels), -1)
        case 8:
            shown = cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            shown = pixels
    return np.asarray(shown)


def pair_as_shown(image: tuple[Path, ImageHeader], mask: tuple[Path, ImageHeader]) -> bool:
    """Whether an image and its mask are read as shown; if not, both are read as stored.

    They are read as shown if the sizes fit then, and as stored if they fit only then. If both would fit, because the
    image is square or turned by a half, each is shown as its own orientation says. A warning, once for each folder,
    tells of a pair that is read as stored, and of one for which both would fit with different results.

    Args:
        image: Path and header of the image.
        mask: Path and header of the mask.

    Raises:
        BadSampleError: The sizes fit in neither way.
    """
    (image_path, of_image), (mask_path, of_mask) = image, mask
    as_shown, as_stored = of_image.size == of_mask.size, of_image.stored_size == of_mask.stored_size
    if not as_shown and not as_stored:
        raise BadSampleError(
            f"{mask_path}: expected the size of its frame, {_size_text(of_image)}, got {_size_text(of_mask)} "
            "(width x height)."
        )
    if of_image.orientation == of_mask.orientation:
        return True
    if not as_shown:
        warn_once(
            (image_path.parent, "stored"),
            f"{image_path}: its mask {mask_path.name} has the size of the image as stored, not {_size_text(of_image)}; "
            "such images are read as stored with their masks, while prediction turns images. Masks drawn on the "
            "images as shown would train for that.",
        )
    elif as_stored:
        warn_once(
            (image_path.parent, "either"),
            f"{image_path}: has the EXIF orientation {of_image.orientation}, its mask {mask_path.name} "
            f"{of_mask.orientation}, and the sizes do not tell whether the mask was drawn on the image as shown or as "
            "stored; each is turned as its own orientation says. If masks were drawn on images as stored, remove the "
            "orientation from the images.",
        )
    return as_shown


def _size_text(header: ImageHeader) -> str:
    """The size in words; with an EXIF orientation also as stored."""
    (width, height), (stored_width, stored_height) = header.size, header.stored_size
    if header.orientation == 1:
        return f"{width}x{height}"
    return (
        f"{width}x{height} as shown (EXIF orientation {header.orientation}; {stored_width}x{stored_height} as stored)"
    )
