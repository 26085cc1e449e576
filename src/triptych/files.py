"""Paths on a file system or on a bucket, and writing files atomically: a reader finds a complete file or none."""

import contextlib
import csv
import functools
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from upath import UPath

from triptych.errors import UsageError

_PART = re.compile(r"\..+\.([^.]+)-(\d+)\.part(\.[^.]*)?")
"""A temporary file's name: the file's own stem, machine and process that write it, the file's suffix."""


def as_path(path: str | Path) -> Path:
    """A path on the file system, or on a bucket such as `s3://NAME/runs`, which has the methods of a path.

    Args:
        path: A path, or a URL that fsspec can open.

    Raises:
        ValueError: fsspec cannot open the URL, for example because a package is missing.
    """
    if not is_remote(path):
        return Path(path)
    try:
        remote = UPath(str(path))
        _ = remote.fs  # imports what it needs
    except (ImportError, ValueError) as error:
        raise ValueError(f"{path}: expected a path, or a bucket that fsspec can open; {error}.") from error
    return cast(Path, remote)


def is_remote(path: str | Path) -> bool:
    """Whether a path lies on a bucket."""
    return "://" in str(path)


def local_folder(path: str) -> str:
    """A path that is not on a bucket.

    Raises:
        UsageError: It is.
    """
    if is_remote(path):
        raise UsageError(f"expected a folder of this machine, got {path}; copy the new one to the bucket.")
    return path


def plain_path(path: Path) -> str | Path:
    """The path as Lightning takes it: a URL as text."""
    return str(path) if is_remote(path) else path


def modified(path: Path) -> float:
    """The Unix time at which a file was written."""
    return _bucket(path).modified(_key(path)).timestamp() if is_remote(path) else path.stat().st_mtime


def copy_file(source: Path, target: Path) -> None:
    """Gives a file a second name: a hard link, or a copy on a bucket; a file system without links renames it."""
    if is_remote(source):
        _bucket(source).copy(_key(source), _key(target))
        return
    try:
        atomic_save(target, lambda part: os.link(source, part))
    except OSError:  # a file system without links
        os.replace(source, target)


def remove_folder(folder: Path) -> None:
    """Removes a folder with all that is in it, if it exists."""
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        _bucket(folder).rm(_key(folder), recursive=True)


def remove_empty(folders: Iterable[Path]) -> None:
    """Removes folders, one after another, as long as they are empty; a bucket has no empty ones."""
    with contextlib.suppress(OSError):  # it holds something
        for folder in folders:
            if not is_remote(folder):
                folder.rmdir()


def _bucket(path: Path) -> Any:
    return cast(UPath, path).fs


def _key(path: Path) -> str:
    return cast(UPath, path).path


def atomic_save(path: Path, save: Callable[[Path], object]) -> None:
    """Writes atomically; see `atomic_path`.

    Args:
        path: The file.
        save: Called with the path of the temporary file; writes the content to it.
    """
    with atomic_path(path) as part:
        save(part)


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Writes atomically: to a temporary file of this process that replaces `path` at the end, unless an error ends it.

    What a killed process left half-written in the same folder is removed. A file on a bucket is written here, then
    uploaded, which is atomic.

    Args:
        path: The file.

    Yields:
        The path of the temporary file.
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder, path.name)
            yield whole
            _bucket(path).put_file(str(whole), _key(path))
        return
    _remove_left_over(path.parent.absolute())
    part = _part_of(path)
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that replaces `folder`, and all that is in it, when the block ends, but not if it raises.

    Args:
        folder: A folder of this machine.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


def save_together(contents: Mapping[Path, bytes]) -> None:
    """Writes several files, all or none: each to a temporary file, which then get their names in this order.

    A process that is killed meanwhile leaves the first of them, so the last should be that by which the others count.
    Only the last may exist already.

    Args:
        contents: The content of each file, on this machine; missing folders are created.
    """
    parts = {path: _part_of(path) for path in contents}
    missing = {folder for path in contents for folder in missing_folders(path.parent)}
    named: list[Path] = []
    try:
        for path, part in parts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_over(path.parent.absolute())
            part.write_bytes(contents[path])
        for path, part in parts.items():
            os.replace(part, path)
            named.append(path)
    finally:
        if len(named) < len(parts):
            for path in (*named, *parts.values()):
                path.unlink(missing_ok=True)
            for folder in sorted(missing, key=lambda one: -len(one.parts)):
                remove_empty([folder])


def save_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], separator: str = ",") -> None:
    """Writes a CSV file atomically.

    Args:
        path: The file.
        header: The headings.
        rows: The rows, each with a cell for each heading.
        separator: The character between two columns.
    """
    with csv_rows(path, header, separator) as write:
        write(rows)


@contextlib.contextmanager
def csv_rows(
    path: Path, header: Sequence[str], separator: str = ","
) -> Iterator[Callable[[Iterable[Sequence[object]]], object]]:
    """Writes a CSV file atomically, some rows at a time; see `save_csv`.

    Yields:
        A function that writes rows.
    """
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(header)
        yield writer.writerows


def missing_folders(folder: Path) -> list[Path]:
    """The folder and its parents that do not exist, the deepest first; on a bucket only the folder counts."""
    if is_remote(folder):
        return [] if folder.exists() else [folder]
    return [path for path in (folder, *folder.parents) if not path.exists()]


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{_machine()}-{os.getpid()}.part{path.suffix}")


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


def size_text(num_bytes: float) -> str:
    """A number of bytes in words, such as `3.20 GB` or `12.50 MB`."""
    return f"{num_bytes / 1e9:.2f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.2f} MB"
