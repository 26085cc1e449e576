"""What is read of all that an image file can be, and that it is small enough."""

from pathlib import Path
from typing import Literal

from triptych.errors import BadSampleError
from triptych.images.header import ImageHeader

MAX_PIXELS = 2**30
"""Largest image that is read, which is OpenCV's limit; 3.2 GB as RGB: 32,768 pixels square."""
MAX_TRAINING_PIXELS = 2**27
"""Largest image to train on, 400 MB as RGB, which each epoch decodes: 11,585 pixels square."""


def refuse_unreadable(header: ImageHeader, path: Path, channels: Literal[3, 4] | None = None) -> None:
    """Raises an error if an image is of a kind that is not read.

    Args:
        header: Of the image.
        path: Of the image.
        channels: How it would be read; None leaves the bands unchecked.

    Raises:
        BadSampleError: It is empty or too large, has several pages, or bands that are not what `channels` reads.
    """
    refuse_large(header, path, MAX_PIXELS, "to read")
    if 0 in header.size:
        raise BadSampleError(f"{path}: expected an image, got {_size_text(header)} pixels; replace the file.")
    if header.pages > 1:
        raise BadSampleError(
            f"{path}: expected one image, got a {header.format} of {header.pages} pages, each of {header.text}; save "
            "each page as a file of its own."
        )
    if channels == 3:
        _refuse_bands(header, path)
    elif channels == 4 and (header.bands != 4 or header.mode == "CMYK"):
        raise BadSampleError(
            f"{path}: expected 4 channels (RGB and one more), got {header.text}{_as_mode(header)}; convert the file, "
            "or set channels to 3 if it is RGB."
        )


def refuse_large(header: ImageHeader, path: Path, limit: int, purpose: str) -> None:
    """Raises an error if an image has more than `limit` pixels; `purpose` says for what that is too many.

    Raises:
        BadSampleError: It has more.
    """
    width, height = header.size
    if width * height > limit:
        raise BadSampleError(
            f"{path}: expected at most {limit:,} pixels {purpose}, got {_size_text(header)} = {width * height:,}; cut "
            "it into tiles or make it smaller."
        )


def _refuse_bands(header: ImageHeader, path: Path) -> None:
    """Raises an error if an image cannot become RGB without losing a band that has a meaning."""
    readable = header.bands in (1, 3) or header.mode in ("LA", "PA", "RGBA", "RGBX", "CMYK")
    if header.bands == 4 and not readable:
        raise BadSampleError(
            f"{path}: expected an image in colour or grey, got {header.text} that the file does not call colours; "
            "save it as RGB, or set channels to 4 if the data set and the model take four."
        )
    if not readable:
        raise BadSampleError(
            f"{path}: expected an image in colour or grey, got {header.text}; save one of them, or three as RGB."
        )
    if header.needs_scale and (header.mode == "CMYK" or header.kind == "c"):
        raise BadSampleError(f"{path}: {header.text}{_as_mode(header)} are not read; save it as RGB of 8 bits.")


def _as_mode(header: ImageHeader) -> str:
    return f" ({header.mode})" if header.mode else ""


def _size_text(header: ImageHeader) -> str:
    return f"{header.size[0]}x{header.size[1]}"
