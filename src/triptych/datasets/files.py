"""Lists of files: the images in a folder, the names in a text file."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from triptych.errors import MissingDataError

_IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_LEFT_BY_SYSTEMS = frozenset({"__MACOSX", "Thumbs.db"})
"""What macOS and Windows leave in folders, besides names that begin with a dot."""


def list_images(folder: Path) -> list[str]:
    """Names of the images in a folder and its subfolders, sorted, such as `bonn/x.png`.

    Names that begin with a dot, `__MACOSX` and `Thumbs.db` are passed over.

    Raises:
        MissingDataError: The folder does not exist.
    """
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; expected images in it.")
    names = _walk(str(folder), "", ())
    return sorted(name for name in names if PurePosixPath(name).suffix.lower() in _IMAGE_SUFFIXES)


def _walk(folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[str]:
    """Names of the files in a folder; `above` are the real paths of the folders that hold it, to end loops of links."""
    real = os.path.realpath(folder)
    if real in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _LEFT_BY_SYSTEMS:
                continue
            if entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/", (*above, real))
            elif entry.is_file():
                yield prefix + entry.name


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, without blank lines and outer spaces.

    Raises:
        MissingDataError: The file does not exist.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected one name per line.")
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
