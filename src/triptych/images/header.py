"""What the header of an image file says, from one place: its size, orientation, depth, bands and pages."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from triptych.errors import BadSampleError, MissingDataError
from triptych.images.content import START_BYTES, found_instead
from triptych.images.tiff import TIFF_STARTS, TiffTags, read_tags

_ORIENTATION = 274  # of EXIF, and of TIFF
_PNG, _JPEG, _WEBP, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF", b"BM"
_PNG_END, _PNG_DEPTH_AT = b"IEND\xaeB`\x82", 24
_PNG_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the colour type, which follows the depth
_TAIL_BYTES = 1024  # some programs write a few bytes after the end
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    _PNG: PngImageFile,
    _JPEG: JpegImageFile,  # not the previews that phones append to a photograph
    _WEBP: WebPImageFile,
    _BMP: BmpImageFile,
}
"""Pillow's classes by the first bytes of a file; `Image.open` would refuse images of more than 179 million pixels."""
PILLOW_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, EOFError, struct.error),
    Image.DecompressionBombError,
)
"""What Pillow raises for files that are cut off or broken."""
_WITH_ORIENTATION = frozenset({"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"})
_BITS_OF_MODE = {"1": 1, "I": 32, "F": 32}
_DEPTH_WORDS = {"u": "{} bits", "i": "signed {} bits", "f": "{}-bit floats", "c": "{}-bit complex numbers"}


class ImageHeader(NamedTuple):
    """What the header of an image file says.

    Sizes are (width, height) in pixels: `size` as the image is shown, `stored_size` as its rows lie in the file;
    `orientation` is EXIF's, 1 to 8. `mode` is Pillow's name for the bands, empty if they have no meaning as colours.
    `kind` is "u" for unsigned, "i" for signed numbers, "f" for floats, "c" for complex ones, `bits` their size.
    `format` is PNG, JPEG, TIFF, WEBP or another name that Pillow has. `pages` counts the full images of the file.
    """

    size: tuple[int, int]
    stored_size: tuple[int, int]
    orientation: int
    mode: str
    bands: int
    bits: int
    pages: int
    kind: Literal["u", "i", "f", "c"]
    format: str

    @property
    def needs_scale(self) -> bool:
        """Whether the values are others than 0 to 255."""
        return self.kind != "u" or self.bits > 8

    @property
    def text(self) -> str:
        """Bands and bits in words."""
        bands = f"{self.bands} band{'s' * (self.bands > 1)}"
        return f"{bands} of {_DEPTH_WORDS[self.kind].format(self.bits)}"


def image_header(path: Path) -> ImageHeader:
    """What the header of an image file says, without decoding it.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is not an image, or a PNG or TIFF that is cut off.
    """
    try:
        with path.open("rb") as file:
            return header_of(file, path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"{path}: no such file; expected an image.") from error


def header_of(file: IO[bytes], path: Path) -> ImageHeader:
    """See `image_header`; of an open file, whose errors name `path`."""
    start = file.read(START_BYTES)
    try:
        if start.startswith(TIFF_STARTS):
            return _of_tiff(read_tags(file))
        return _of_other(file, start, path)
    except PILLOW_ERRORS as error:
        if isinstance(error, BadSampleError):
            raise
        raise BadSampleError(f"{path}: expected an image, got {found_instead(start)}.") from error


def opened(file: IO[bytes], start: bytes) -> Any:
    """The file as Pillow's, by its first bytes, whatever its number of pixels."""
    file.seek(0)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), Image.open)
    return opener(file)


def _of_tiff(tags: TiffTags) -> ImageHeader:
    orientation = tags.orientation
    return ImageHeader(
        *(_shown(tags.size, orientation), tags.size, orientation, tags.mode, tags.bands, tags.bits, tags.pages),
        kind=tags.kind,
        format="TIFF",
    )


def _of_other(file: IO[bytes], start: bytes, path: Path) -> ImageHeader:
    image = opened(file, start)
    mode, bands = image.mode, len(image.getbands())
    bits = _BITS_OF_MODE.get(mode, 16 if mode.startswith("I;16") else 8)
    if start.startswith(_PNG):
        bits, bands, tail = start[_PNG_DEPTH_AT], _PNG_BANDS[start[_PNG_DEPTH_AT + 1]], _tail(file)
        mode = "LA" if bands == 2 else mode  # which is RGBA for 16 bits
        if _PNG_END not in tail:  # decoders may fill the missing part with grey instead
            raise BadSampleError(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")
        _add_late_exif(image, tail)
    orientation = _exif_orientation(image)
    return ImageHeader(
        _shown(image.size, orientation),
        stored_size=image.size,
        orientation=orientation,
        mode=mode,
        bands=bands,
        bits=bits,
        pages=getattr(image, "n_frames", 1),
        kind="f" if mode == "F" else "u",
        format=image.format,
    )


def _tail(file: IO[bytes]) -> bytes:
    file.seek(max(0, file.seek(0, io.SEEK_END) - _TAIL_BYTES))
    return file.read()


def _add_late_exif(image: Any, tail: bytes) -> None:
    """Adds EXIF that a PNG has after its pixels, where Pillow finds it only if it decodes them."""
    at = tail.find(b"eXIf")
    if at >= 4 and "exif" not in image.info:
        (length,) = struct.unpack_from(">I", tail, at - 4)
        image.info["exif"] = b"Exif\0\0" + tail[at + 4 : at + 4 + length]


def _exif_orientation(image: Any) -> int:
    """EXIF's orientation, 1 to 8; 1 if there is none that can be read."""
    if image.info.keys().isdisjoint(_WITH_ORIENTATION):
        return 1
    try:
        value = Image.Image.getexif(image).get(_ORIENTATION)  # PngImageFile's own would decode the pixels
    except PILLOW_ERRORS:
        return 1
    return value if isinstance(value, int) and value in range(1, 9) else 1


def _shown(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size[::-1] if orientation >= 5 else size  # 5 to 8 turn by a quarter
