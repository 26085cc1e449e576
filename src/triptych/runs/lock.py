"""The lock of a folder: of all living processes one writes there."""

import contextlib
import errno
import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from lightning.pytorch.utilities import rank_zero_info

from triptych.files import is_remote, is_running, missing_folders, remove_empty

_NAME = ".lock"
_SECONDS = 0.5
"""How long to wait for a lock."""
_SECONDS_FOR_WORKERS = 15.0
"""How long to wait for the lock of a killed process; its data workers look every 5 s whether it lives."""
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Errors of a file system without locks."""
_OF_PARENT = "TRIPTYCH_LOCKED"
"""Environment variable: process id and folder of a lock, for the processes that its holder starts."""
_LAUNCH = ("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "SLURM_STEP_ID")
"""Environment variables that are the same in all processes of a launch by torchrun or SLURM."""

_held: dict[Path, tuple[FileLock, int]] = {}
"""The locks of this process, and how many times it has taken each."""


class LockedError(FileExistsError):
    """Another process writes into a folder."""


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Args:
        process: Its id.
        machine: The name of its machine.
        launch: What all processes have in common that were launched with it; None for a single one.
    """

    process: int
    machine: str
    launch: str | None

    @property
    def is_gone(self) -> bool:
        """Whether the process ran on this machine and has ended."""
        return self.machine == platform.node() and not is_running(self.process)

    @property
    def is_of_this_launch(self) -> bool:
        """Whether torchrun or SLURM has launched this process together with the holder."""
        return self.launch is not None and self.launch == _launch()


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing into a folder, which is created if need be.

    The kernel frees the lock when this process ends, however it ends. Its file is hidden, and goes with the lock, and
    so does the folder if it is still empty then. A process may take a lock several times; the processes that it starts
    need not take it.

    Args:
        folder: The folder. A bucket has no locks; if a file system has none, a line says so.

    Raises:
        LockedError: Another living process holds the lock.
    """
    key = folder.resolve()
    if is_remote(folder) or lock_of_parent() == key:
        yield
        return
    created = missing_folders(folder)
    if key not in _held:
        folder.mkdir(parents=True, exist_ok=True)
        _held[key] = _acquired(folder), 0
    lock, times = _held[key]
    _held[key] = lock, times + 1
    try:
        yield
    finally:
        lock, times = _held[key]
        _held[key] = lock, times - 1
        if times == 1:
            _release(key)
            remove_empty(created)


def lock_of_parent() -> Path | None:
    """The folder that the process has locked which started this one; None if there is none."""
    process, _, folder = os.environ.get(_OF_PARENT, "").partition(" ")
    return Path(folder) if folder and int(process) != os.getpid() else None


def holder_of(folder: Path) -> Holder | None:
    """The process that has written its name into the folder's lock last; None if there is none, or none is known."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Holder(**json.loads((folder / _NAME).read_text(encoding="utf-8")))
    return None


def _acquired(folder: Path) -> FileLock:
    path, holder = folder.resolve() / _NAME, holder_of(folder)
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=_SECONDS_FOR_WORKERS if holder is not None and holder.is_gone else _SECONDS)
    except Timeout:
        holder = holder_of(folder)
        who = "another process" if holder is None else f"process {holder.process} on {holder.machine}"
        raise LockedError(
            f"{folder}: {who} writes there; wait until it ends, or let the new run write elsewhere."
        ) from None
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        rank_zero_info(f"{folder}: this file system has no locks; take care that no other run writes there.")
        return lock
    with contextlib.suppress(OSError):  # Windows locks the content too
        path.write_text(json.dumps(asdict(Holder(os.getpid(), platform.node(), _launch()))), encoding="utf-8")
    os.environ[_OF_PARENT] = f"{os.getpid()} {folder.resolve()}"
    return lock


def _release(key: Path) -> None:
    (lock, _), path = _held.pop(key), key / _NAME
    os.environ.pop(_OF_PARENT, None)
    if sys.platform != "win32":
        path.unlink(missing_ok=True)  # before it is free, since afterwards it may be another process's
    lock.release()
    if sys.platform == "win32":  # which removes no open file
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _launch() -> str | None:
    values = [os.environ.get(name) for name in _LAUNCH]
    return " ".join(map(str, values)) if any(values) else None
