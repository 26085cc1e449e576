"""Checks images before they are trained on, without decoding them all."""

from collections.abc import Sequence
from pathlib import Path

from triptych.images.decode import Channels
from triptych.images.header import ImageHeader, image_header
from triptych.images.limits import MAX_TRAINING_PIXELS, refuse_large, refuse_unreadable
from triptych.images.read import READERS
from triptych.images.scaling import Scale


def check_images(paths: Sequence[Path], scale: Scale | None = None, channels: Channels = 3) -> list[ImageHeader]:
    """Reads the headers of images to train on.

    The first image of more than 8 bits is decoded, so that an error or a warning about its scaling comes at once.

    Args:
        paths: The images.
        scale: How they will be read; see `read_rgb`.
        channels: See `scale`.

    Raises:
        MissingDataError: An image does not exist.
        BadSampleError: One is not an image, is cut off in its header, or will not be read; or it is too large to be
            decoded in each epoch.
    """
    headers = [image_header(path) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        refuse_unreadable(header, path, channels)
        refuse_large(header, path, MAX_TRAINING_PIXELS, "to train on")
    deep = (path for path, header in zip(paths, headers, strict=True) if header.needs_scale)
    for path in [*deep][:1]:
        READERS[channels](path, scale)
    return headers
