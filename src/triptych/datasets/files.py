"""Lists of files: what lies in a folder, what a text file names."""

from pathlib import Path

from triptych.errors import MissingDataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def list_images(folder: Path) -> list[str]:
    """Names of the pictures in a folder, sorted.

    Raises:
        MissingDataError: The folder is not there.
    """
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; expected pictures in it.")
    return sorted(path.name for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def read_lines(path: Path) -> list[str]:
    """Lines of a text file without blank ones and outer spaces.

    Raises:
        MissingDataError: The file is not there.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected one name a line.")
    return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
