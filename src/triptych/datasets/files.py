"""Lists of files: the images in a folder, the names in a text file."""

from pathlib import Path

from triptych.datasets.folders import expect_folder
from triptych.errors import MissingDataError

_IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def list_images(folder: Path) -> list[str]:
    """Names of the images in a folder, sorted.

    Raises:
        MissingDataError: The folder does not exist.
    """
    expect_folder(folder)
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; expected images in it.")
    return sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, without blank lines and outer spaces.

    Raises:
        MissingDataError: The file does not exist.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected one name per line.")
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
