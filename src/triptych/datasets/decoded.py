"""Records whose pixels are kept decoded; of a file that has changed since they are decoded afresh."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import cv2

from triptych._version import __version__
from triptych.datasets.corrections import Corrected, parts_of
from triptych.datasets.pixel_cache import PixelCache
from triptych.datasets.pixel_store import PixelStore, SizedPixels
from triptych.datasets.sample import PixelRecords, Record, Records
from triptych.images import image_header
from triptych.images.silence import silent_opencv
from triptych.transforms import Shrinking

_AT_ONCE = 64
"""Records that are decoded before they are written."""
_Stamps = tuple[tuple[int, int], ...] | None
"""Size in bytes and time stamp in nanoseconds of each file of a record; None if one does not exist."""


class Decoded:
    """Records whose pixels are read from a store, as long as their files are what they were.

    Args:
        records: The records.
        store: The pixels.
        rows: The row of each record in the store.
        stamps: What the files of each record were when their pixels were read.
    """

    def __init__(
        self, records: PixelRecords, store: PixelStore, rows: Sequence[int], stamps: Sequence[_Stamps]
    ) -> None:
        self.records, self.store = records, store
        self._rows, self._stamps = rows, stamps

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        if _stamps(self.records.files(index)) != self._stamps[index]:
            return self.records[index]
        pixels, size = self.store[self._rows[index]]
        return _with_size(self.records.with_pixels(index, pixels), size)

    @property
    def paths(self) -> Sequence[Path]:
        """Path of each record's image."""
        return self.records.paths


class _Source(NamedTuple):
    """Where pixels come from: one of some records, and how its image is shrunk; a mask is never."""

    records: PixelRecords
    number: int
    shrinking: Shrinking | None

    def pixels(self) -> SizedPixels:
        image, *masks = self.records.pixels(self.number)
        height, width = image.shape[:2]
        return (image if self.shrinking is None else self.shrinking(image), *masks), (height, width)

    def num_pixels(self) -> int:
        width, height = image_header(self.records.files(self.number)[0]).size
        return math.prod((height, width) if self.shrinking is None else self.shrinking.shrunk(height, width))


def keeps_pixels(records: Records) -> bool:
    """Whether the pixels of records can be kept: not those of a subclass that reads its records in a way of its own."""
    return all(
        isinstance(part, PixelRecords) and _definer(part, "__getitem__") is _definer(part, "pixels")
        for part in parts_of(records)
    )


def decode(
    splits: Sequence[tuple[Records, Shrinking | None]], cache: PixelCache, threads: int
) -> tuple[list[Records], PixelStore, bool]:
    """The records of splits with their pixels kept in one store.

    Args:
        splits: Records for which `keeps_pixels` is true, each with how large images without a mask are shrunk.
        cache: Where they are kept.
        threads: Number of threads that decode.

    Returns:
        The records of each split, the store, and whether it was written now.

    Raises:
        NoRoomError: There is not enough room.
        OSError: The store cannot be written.
        BadSampleError: A file cannot be decoded.
    """
    wanted = [(part, how) for records, how in splits for part in parts_of(records) if isinstance(part, PixelRecords)]
    parts = [[_source(part, index, how) for index in range(len(part))] for part, how in wanted]
    stamps = [[_stamps(part.files(index)) for index in range(len(part))] for part, _ in wanted]
    keys = [[*map(_key, part, of_part)] for part, of_part in zip(parts, stamps, strict=True)]
    sources = dict(zip(chain(*keys), chain(*parts), strict=True))
    ordered = sorted(sources)
    in_order = [sources[key] for key in ordered]
    store, is_new = cache.store(_digest(ordered), lambda: _num_bytes(in_order), _decoded(in_order, threads))
    row_of = {key: row for row, key in enumerate(ordered)}
    decoded = iter(
        Decoded(part, store, [row_of[key] for key in of_part], stamped)
        for (part, _), of_part, stamped in zip(wanted, keys, stamps, strict=True)
    )
    return [_like(records, decoded) for records, _ in splits], store, is_new


def _like(records: Records, decoded: Iterator[Decoded]) -> Records:
    """The next of the decoded records, with the corrections if the records have some."""
    if isinstance(records, Corrected):
        return Corrected(next(decoded), next(decoded), records.note)
    return next(decoded)


def _source(records: PixelRecords, index: int, shrinking: Shrinking | None) -> _Source:
    """See `_Source`; without a shrinking that would change nothing, so that all sizes share the pixels."""
    files = records.files(index)
    if shrinking is None or len(files) > 1:
        return _Source(records, index, None)
    width, height = image_header(files[0]).size
    return _Source(records, index, None if shrinking.shrunk(height, width) == (height, width) else shrinking)


def _key(source: _Source, stamps: _Stamps) -> str:
    """What the pixels of a record depend on."""
    records = source.records
    files = [str(path.absolute()) for path in records.files(source.number)]
    kind = f"{type(records).__module__}.{type(records).__qualname__}"
    return f"{files} {stamps} {kind} {records.reading!r} {source.shrinking!r}"


def _with_size(record: Record, size: tuple[int, int]) -> Record:
    """A record whose image may have been shrunk from a size, with its points where they are now."""
    now = record["image"].shape[:2]
    if now == size:
        return record
    if "keypoints" in record:
        record["keypoints"] = record["keypoints"] * (now[1] / size[1], now[0] / size[0])
    return {**record, "size": size}


def _digest(keys: Sequence[str]) -> str:
    """A name for the pixels of some keys, as this version reads them."""
    return hashlib.sha256("\n".join([__version__, cv2.__version__, *keys]).encode(errors="surrogateescape")).hexdigest()


def _stamps(files: Sequence[Path]) -> _Stamps:
    """See `_Stamps`."""
    try:
        found = [path.stat() for path in files]
    except OSError:
        return None
    return tuple((one.st_size, one.st_mtime_ns) for one in found)


def _num_bytes(sources: Sequence[_Source]) -> int:
    """Bytes of the pixels, from the headers of the images and the first pixels."""
    (image, *masks), _ = sources[0].pixels()
    depth = int(image.shape[2]) + len(masks)
    return depth * sum(source.num_pixels() for source in sources)


def _decoded(sources: Sequence[_Source], threads: int) -> Iterator[SizedPixels]:
    """The pixels in their order, some at once."""
    waiting = iter(sources)
    with silent_opencv(), ThreadPoolExecutor(threads) as pool:
        while some := [*islice(waiting, _AT_ONCE)]:
            yield from pool.map(_Source.pixels, some)


def _definer(records: Records, name: str) -> type | None:
    return next((one for one in type(records).__mro__ if name in vars(one)), None)
