"""Where decoded images are kept: in memory until the last process that reads them ends, or on disk for later runs."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from triptych.datasets.pixel_store import PixelStore, SizedPixels, remove_unused, write_store
from triptych.files import size_text

Keep = Literal["ram", "disk"]
"""Where decoded images are kept."""
_SHARED_MEMORY, _NAME, _SUFFIX = Path("/dev/shm"), "triptych", ".pixels"
_OVERRIDE = "TRIPTYCH_CACHE"
"""Environment variable: the folder of decoded images on disk."""


class NoRoomError(OSError):
    """Decoded images need more room than there is for them."""


def cache_folder(keep: Keep) -> Path:
    """The folder of decoded images.

    On disk it is `$TRIPTYCH_CACHE`, else `triptych` in `$XDG_CACHE_HOME`, else in `~/.cache`. In memory it is one of
    this user in `/dev/shm`, or where that does not exist in the folder of temporary files, which the system keeps in
    memory as long as it can.
    """
    if keep == "disk":
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(os.environ.get(_OVERRIDE) or Path(base, _NAME))
    base = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else tempfile.gettempdir()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(base, f"{_NAME}-{user}")


@dataclass(frozen=True)
class PixelCache:
    """Files of decoded images, each written once by one process and then read by all.

    Files take at most half of the memory, or of the disk, that is free without them; on disk those that were read
    longest ago make room.

    Args:
        keep: Where they are.
        free_memory: The free memory in bytes; asked for what is kept there.
    """

    keep: Keep
    free_memory: Callable[[], float]

    def store(self, key: str, num_bytes: Callable[[], int], records: Iterable[SizedPixels]) -> tuple[PixelStore, bool]:
        """The store of a key, and whether it was written now; another process that writes it is waited for.

        Args:
            key: What the pixels depend on.
            num_bytes: What they take; asked for if there is no store yet.
            records: The pixels, likewise.

        Raises:
            NoRoomError: There is not enough room for them.
            OSError: The folder cannot be written to.
        """
        folder = self._made_folder()
        path = folder / f"{key}{_SUFFIX}"
        with _lock(folder):
            is_new = not path.exists()
            if is_new:
                self._make_room(folder, num_bytes())
                write_store(path, records)
            os.utime(path)
            return PixelStore(path, keep=self.keep == "disk"), is_new

    def _made_folder(self) -> Path:
        folder = cache_folder(self.keep)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder}: expected a folder of this user, got another's")
        return folder

    def _make_room(self, folder: Path, num_bytes: int) -> None:
        """Removes what killed processes left in memory, and on disk what makes room, the oldest first."""
        unread = remove_unused(sorted(_files(folder), key=lambda path: path.stat().st_mtime))
        if self.keep == "ram":
            _ = [*unread]
        while (room := self._room(folder, taken := _taken(folder))) < num_bytes:
            if num_bytes > room + taken or next(unread, None) is None:
                raise NoRoomError(
                    f"they take {size_text(num_bytes)}, and {folder} has room for {size_text(max(room, 0))}, half of "
                    "what is free"
                )

    def _room(self, folder: Path, taken: int) -> float:
        free: float = shutil.disk_usage(folder).free
        if self.keep == "ram":
            free = min(free, self.free_memory())
        return (free + taken) / 2 - taken


def clean(keep: Keep) -> tuple[int, int]:
    """Removes all decoded images that no process reads; if one writes some now, it is waited for.

    Returns:
        Bytes that were removed, and bytes that are still read.
    """
    folder = cache_folder(keep)
    if not folder.is_dir():
        return 0, 0
    with _lock(folder):
        return sum(remove_unused(_files(folder))), _taken(folder)


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / ".lock", fallback_to_soft=False)


def _files(folder: Path) -> list[Path]:
    """Those that are whole, and while the lock is held those that a killed process has left."""
    return sorted(folder.glob(f"*{_SUFFIX}"))


def _taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))
