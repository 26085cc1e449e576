"""Writing files atomically: a reader finds a complete file or none."""

import csv
import functools
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_PART = re.compile(r"\..+\.([^.]+)-(\d+)\.part(\.[^.]*)?")
"""A temporary file's name: the file's own stem, machine and process that write it, the file's suffix."""


def atomic_save(path: Path, save: Callable[[Path], object]) -> None:
    """Writes atomically: to a temporary file of this process that then replaces `path`.

    What a killed process left half-written in the same folder is removed.

    Args:
        path: The file.
        save: Called with the path of the temporary file; writes the content to it.
    """
    _remove_left_over(path.parent.absolute())
    part = path.with_name(f".{path.stem}.{_machine()}-{os.getpid()}.part{path.suffix}")
    try:
        save(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def save_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file atomically."""

    def save(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])

    atomic_save(path, save)


def missing_folders(folder: Path) -> list[Path]:
    """The folder and its parents that do not exist, the deepest first."""
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _machine() -> str:
    return re.sub(r"\W", "_", platform.node())


@functools.cache  # once per folder and process: it reads the whole folder
def _remove_left_over(folder: Path) -> None:
    """Removes the temporary files of processes of this machine that are gone."""
    for path in folder.glob(".*.part*"):
        found = _PART.fullmatch(path.name)
        if found and found[1] == _machine() and not is_running(int(found[2])):
            path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether a process of this machine is running; on Windows always True."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
