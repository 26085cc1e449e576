"""Images without labels: a folder, a list of paths, or a single file."""

import os
from collections.abc import Iterable
from pathlib import Path

from triptych.datasets.files import list_images, none_found
from triptych.datasets.folders import expect_no_archive
from triptych.datasets.sample import Record
from triptych.datasets.text import bare, read_lines
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import Scale, checked_scale, read_rgb

_TABLES = frozenset({".csv", ".tsv"})


class Pictures:
    """Images to predict.

    Args:
        path: A folder of images, which may have subfolders; a `.txt` list of their paths (relative to the list's
            folder); or one image. One that is listed twice counts once.
        scale: How images of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: `path` does not exist or has no images, or a listed image does not exist.
        BadSampleError: `path` is an archive or a table.
        ValueError: `scale` is none.
    """

    def __init__(self, path: Path, scale: Scale | None = None) -> None:
        self.scale = checked_scale(scale)
        self.paths = _find_images(path)
        self.folder = path if path.is_dir() else common_folder(self.paths)
        missing = [image for image in self.paths if not image.is_file()]
        if missing:
            raise MissingDataError(
                f"{path}: {len(missing)} of {len(self)} images do not exist; the first is {missing[0]}."
            )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Record:
        """`image` uint8 (H, W, 3) RGB and its `path`."""
        return {"image": read_rgb(self.paths[index], self.scale), "path": str(self.paths[index])}


def _find_images(path: Path) -> list[Path]:
    expect_no_archive(path)
    if path.is_dir():
        images = [path / name for name in list_images(path)]
    elif path.suffix.lower() == ".txt":
        images = list(dict.fromkeys(_listed(path.parent, line) for line in read_lines(path)))
    elif path.suffix.lower() in _TABLES:
        raise BadSampleError(
            f"{path}: expected a folder, an image, or a .txt list with one path per line, got a table; write such a "
            "list."
        )
    else:
        images = [path]
    if not images:
        raise MissingDataError(f"{path}: expected images to predict, {none_found(path)}.")
    return images


def _listed(folder: Path, line: str) -> Path:
    """The image that a line names, which may be in quotes and have the separators of Windows."""
    path = Path(os.path.normpath(folder / line))
    return path if path.is_file() else Path(os.path.normpath(folder / bare(line).replace("\\", "/")))


def base_folder(path: Path) -> Path:
    """The folder that the names of images to predict count from: that of `Pictures`, or of its list or image."""
    return path if path.is_dir() else path.parent


def common_folder(paths: Iterable[Path]) -> Path:
    """The deepest folder that all these files lie below."""
    return Path(os.path.commonpath([os.path.normpath(path.parent.absolute()) for path in paths]))
