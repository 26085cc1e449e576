"""The pixels of many images in one file, which is mapped into memory and shared by all processes that read it."""

import contextlib
import os
import sys
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from triptych.datasets.sample import Pixels
from triptych.errors import BadSampleError
from triptych.files import atomic_path

_MAGIC = b"triptych"
_ROW = np.dtype([("offset", "<i8"), ("image", "<i8", 3), ("mask", "<i8", 2), ("size", "<i8", 2)])
"""Where a record lies in bytes, the shapes of its image and its mask ((0, 0) if it has none), the file's (H, W)."""
_END = np.dtype([("rows", "<i8"), ("magic", "S8")])
"""The end of the file: the number of rows before it, and what makes it a store."""


SizedPixels = tuple[Pixels, tuple[int, int]]
"""The pixels of a record, and (height, width) of its image in the file, which may be larger."""


class PixelStore:
    """The pixels in a file that `write_store` has written; the arrays are read-only views of it.

    While a process of this machine has it open, `remove_unused` leaves the file.

    Args:
        path: The file.
        keep: Whether the file stays when the last process closes it.

    Raises:
        BadSampleError: The file is no store, or is cut off.
    """

    def __init__(self, path: Path, keep: bool) -> None:
        self.path, self.keep = path, keep
        self._file = path.open("rb")
        _lock_shared(self._file)
        self._bytes = np.memmap(self._file, dtype=np.uint8, mode="r")
        self._rows = _read_rows(self._bytes, path)
        weakref.finalize(self, _close, self._file, None if keep else path, os.getpid())

    def __reduce__(self) -> tuple[Any, ...]:
        return PixelStore, (self.path, self.keep)  # a process that is spawned opens the file again

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> SizedPixels:
        """The pixels of a row, and the size of its image in the file."""
        start, image, mask, (height, width) = self._rows[row].tolist()
        pixels, start = self._array(start, image)
        return (pixels, self._array(start, mask)[0]) if mask[0] else (pixels,), (height, width)

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return len(self._bytes)

    def _array(self, start: int, shape: list[int]) -> tuple[Any, int]:
        end = start + int(np.prod(shape))
        return np.asarray(self._bytes[start:end]).reshape(shape), end


def write_store(path: Path, records: Iterable[SizedPixels]) -> None:
    """Writes the pixels of records, in their order, atomically.

    Args:
        path: The file.
        records: The pixels, with (height, width) of the image in its file; they are asked for one by one.

    Raises:
        OSError: There is no room.
    """
    rows, offset = [], 0
    with atomic_path(path) as part, part.open("wb") as file:
        for (image, *masks), size in records:
            rows.append((offset, image.shape, masks[0].shape if masks else (0, 0), size))
            for array in (image, *masks):
                offset += file.write(np.ascontiguousarray(array).data)
        file.write(np.array(rows, dtype=_ROW).tobytes())
        file.write(np.array([(len(rows), _MAGIC)], dtype=_END).tobytes())


def remove_unused(paths: Iterable[Path]) -> Iterator[int]:
    """Removes the stores among some that no process of this machine reads, in their order.

    Yields:
        The bytes of each file, after it was removed.
    """
    for path in paths:
        with contextlib.suppress(OSError), path.open("r+b") as file:
            if not _lock_alone(file):
                continue
            size = path.stat().st_size
            path.unlink()
            yield size


def _read_rows(data: Any, path: Path) -> Any:
    if len(data) >= _END.itemsize:
        ((count, magic),) = data[-_END.itemsize :].view(_END).tolist()
        rows = data[: -_END.itemsize][-count * _ROW.itemsize :] if count else data[:0]
        if magic == _MAGIC and len(rows) == count * _ROW.itemsize:
            return np.array(rows).view(_ROW)
    raise BadSampleError(f"{path}: expected decoded images, got another file; remove it, `triptych clean-cache`.")


def _close(file: IO[bytes], path: Path | None, process: int) -> None:
    """Closes the file and removes what lies at a path if no other process reads it.

    A worker that was forked shares the lock of `process`, and removes nothing.
    """
    with contextlib.suppress(OSError), file:
        if path is not None and os.getpid() == process and _lock_alone(file):
            path.unlink(missing_ok=True)


if sys.platform == "win32":  # where nobody can remove a file that is open

    def _lock_shared(file: IO[bytes]) -> None:
        pass

    def _lock_alone(file: IO[bytes]) -> bool:
        return True
else:
    import fcntl

    def _lock_shared(file: IO[bytes]) -> None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_SH)

    def _lock_alone(file: IO[bytes]) -> bool:
        """Whether no other process has locked the file, which this one does now."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
