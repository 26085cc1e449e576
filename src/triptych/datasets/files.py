"""The files in a folder and its subfolders, named by their POSIX paths below it."""

import os
import posixpath
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from triptych.datasets.folders import expect_folder, is_passed_over
from triptych.errors import MissingDataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def list_images(folder: Path) -> list[str]:
    """Names of the images in a folder and its subfolders, sorted, such as `bonn/x.png`.

    Names that begin with a dot, `__MACOSX` and the like are passed over; see `is_passed_over`.

    Raises:
        MissingDataError: The folder does not exist.
    """
    expect_folder(folder)
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; expected images in it.")
    return sorted(name for name in list_files(folder) if posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES)


def none_found(folder: Path) -> str:
    """That a folder holds no images, and what it holds instead, for the end of an error."""
    held = summary(folder)
    return f"found {held}, but none of {', '.join(sorted(IMAGE_SUFFIXES))}" if held else "found none"


def summary(folder: Path) -> str:
    """The most frequent suffixes of the files in a folder, such as `4 .json, 1 .txt`; empty if there are no files."""
    counts = Counter(posixpath.splitext(name)[1].lower() or "without suffix" for name in list_files(folder))
    return ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(3))


def list_files(folder: Path) -> list[str]:
    """Names of all files that `list_images` would look at, in any order; empty if there is no such folder."""
    return [*_walk(str(folder), "", ())] if folder.is_dir() else []


def _walk(folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    """Names of the files in a folder; `above` are the real paths of the folders that hold it, to end loops of links."""
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_passed_over(entry.name):
                continue
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/", (*above, real))
            elif entry.is_file():
                yield prefix + entry.name
