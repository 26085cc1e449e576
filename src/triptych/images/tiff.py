"""Tags of a TIFF, of any kind that libtiff decodes: Pillow itself opens only the kinds that it has a mode for."""

import io
import struct
import warnings
from collections.abc import Mapping
from typing import IO, Any, Literal, NamedTuple

from PIL.TiffImagePlugin import ImageFileDirectory_v2

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF and a BigTIFF, of both byte orders."""
_BIG = (b"II+", b"MM\0+")
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _BANDS = 254, 256, 257, 258, 262, 274, 277
_PLANAR, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 284, 338, 339
_PIXELS = ((273, 279), (324, 325))  # offsets and byte counts of the strips, of the tiles
_KNOWN = (
    *(_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _BANDS, _PLANAR, _EXTRA_SAMPLES, _SAMPLE_FORMAT),
    *(*_PIXELS[0], *_PIXELS[1]),
)
_NOT_READ = -1
_UNASSIGNED = 335  # no tag of that number is defined, so libtiff passes over it
_WHITE_IS_ZERO, _GREY, _RGB = 0, 1, 2  # of PhotometricInterpretation
_SHORT, _SEPARATE = 3, 2
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType: an overview of the first page, its transparency
_ALPHA = (1, 2)  # of ExtraSamples
_KINDS: dict[int, Literal["u", "i", "f", "c"]] = {1: "u", 2: "i", 3: "f", 4: "u", 5: "c", 6: "c"}
_OTHER_COLOURS = {3: ("P", 1), 5: ("CMYK", 4), 6: ("YCbCr", 3), 8: ("LAB", 3)}
_Tags = Mapping[int, tuple[int, ...]]


class TiffTags(NamedTuple):
    """What the tags of a TIFF's first page say; see `ImageHeader`. `planar`: whether each band lies by itself."""

    size: tuple[int, int]
    orientation: int
    mode: str
    bands: int
    bits: int
    pages: int
    kind: Literal["u", "i", "f", "c"]
    photometric: int
    planar: bool

    @property
    def white_is_zero(self) -> bool:
        """Whether 0 is white."""
        return self.photometric == _WHITE_IS_ZERO


def read_tags(file: IO[bytes]) -> TiffTags:
    """Reads the tags of an open TIFF.

    Raises:
        OSError: The file is cut off.
        SyntaxError: It is no TIFF.
    """
    first, pages = _directories(file)
    if not {_WIDTH, _HEIGHT} <= first.keys() or _pixels_end(first) > file.seek(0, io.SEEK_END):
        raise OSError("cut off")
    ((width,), (height,)), (bands,) = (first[_WIDTH], first[_HEIGHT]), first.get(_BANDS, (1,))
    bits, kind = max(first.get(_BITS, (1,))), _KINDS.get(max(first.get(_SAMPLE_FORMAT, (1,))), "u")
    (photometric,), (orientation,) = first.get(_PHOTOMETRIC, (_GREY,)), first.get(_ORIENTATION, (1,))
    return TiffTags(
        size=(width, height),
        orientation=orientation if orientation in range(1, 9) else 1,
        mode=_mode(photometric, bands, bits, kind, first.get(_EXTRA_SAMPLES, ())),
        bands=bands,
        bits=bits,
        pages=pages,
        kind=kind,
        photometric=photometric,
        planar=bands > 1 and first.get(_PLANAR, (1,)) == (_SEPARATE,),
    )


def plainly_tagged(data: bytes, tags: TiffTags) -> bytes:
    """A TIFF whose tags make libtiff give the bands as they lie in the file.

    It is not turned, colours are not multiplied by a fourth band that is called alpha, and three or four bands without
    a meaning are not cut to the first.
    """
    values = {_ORIENTATION: 1} if tags.orientation != 1 else {}
    if tags.bands in (3, 4) and tags.photometric <= _GREY:
        values[_PHOTOMETRIC] = _RGB
    with_extra = tags.bands in (2, 3, 4) and tags.photometric <= _RGB
    return _retagged(data, values, {_EXTRA_SAMPLES} if with_extra else set())


def _directories(file: IO[bytes]) -> tuple[_Tags, int]:
    """The known tags of a TIFF's first directory, and the number of its full pages."""
    file.seek(0)
    start = file.read(8)
    directory = ImageFileDirectory_v2(start + file.read(8) if start.startswith(_BIG) else start)
    first: _Tags | None = None
    pages, seen = 0, set[int]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a directory that is cut off
        while directory.next and directory.next not in seen:
            seen.add(directory.next)
            file.seek(directory.next)
            directory.next = _NOT_READ
            directory.load(file)
            if directory.next == _NOT_READ:
                raise OSError("cut off")
            tags = {tag: _numbers(directory[tag]) for tag in _KNOWN if tag in directory}
            first = tags if first is None else first
            pages += not tags.get(_SUBFILE, (0,))[0] & (_REDUCED | _MASK)
    return first or {}, max(pages, 1)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)


def _pixels_end(tags: _Tags) -> int:
    """Where the pixels end that the tags tell of."""
    pieces = [zip(tags[at], tags[count], strict=False) for at, count in _PIXELS if at in tags and count in tags]
    return max((at + count for piece in pieces for at, count in piece), default=0)


def _mode(photometric: int, bands: int, bits: int, kind: str, extra: tuple[int, ...]) -> str:
    """Pillow's name for the bands; empty if it has none."""
    fourth = "A" if extra and extra[-1] in _ALPHA else "X"
    if photometric <= _GREY:
        grey = "F" if kind == "f" else "1" if bits == 1 else "L" if bits <= 8 else "I;16" if bits <= 16 else "I"
        return {1: grey, 2: "LA" if fourth == "A" else ""}.get(bands, "")
    if photometric == _RGB:
        return {3: "RGB", 4: f"RGB{fourth}"}.get(bands, "")
    name, expected = _OTHER_COLOURS.get(photometric, ("", bands))
    return name if bands == expected else ""


def _retagged(data: bytes, values: Mapping[int, int], dropped: set[int]) -> bytes:
    """A TIFF with other values in some tags of its first directory, and without some tags."""
    order, is_big = "<" if data.startswith(b"II") else ">", data.startswith(_BIG)
    offset_at, offset, count, entry, value_at = (8, "Q", "Q", 20, 12) if is_big else (4, "I", "H", 12, 8)
    (directory,) = struct.unpack_from(order + offset, data, offset_at)
    (number,) = struct.unpack_from(order + count, data, directory)
    start = directory + struct.calcsize(count)
    places = {struct.unpack_from(order + "H", data, start + entry * i)[0]: start + entry * i for i in range(number)}
    changed = places.keys() & {*values, *dropped}
    if not changed:
        return data
    copy = bytearray(data)
    for tag in changed:
        if tag in dropped:
            struct.pack_into(order + "H", copy, places[tag], _UNASSIGNED)
        else:
            struct.pack_into(f"{order}H{count.replace('H', 'I')}", copy, places[tag] + 2, _SHORT, 1)
            struct.pack_into(order + "H", copy, places[tag] + value_at, values[tag])
    return bytes(copy)
