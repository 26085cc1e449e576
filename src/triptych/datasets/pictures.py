"""Pictures without labels: a folder, a list of paths, or a single file."""

from pathlib import Path

from triptych.datasets.files import list_images, read_lines
from triptych.datasets.images import read_rgb
from triptych.datasets.sample import Record
from triptych.errors import MissingDataError


class Pictures:
    """Pictures to predict.

    Args:
        path: A folder of pictures, a `.txt` list of their paths (relative ones from the list's folder), or one picture.

    Raises:
        MissingDataError: There is nothing at `path`, no picture in it, or a listed picture is absent.
    """

    def __init__(self, path: Path) -> None:
        self.paths = _find(path)
        absent = [picture for picture in self.paths if not picture.is_file()]
        if absent:
            raise MissingDataError(
                f"{path}: {len(absent)} of {len(self)} pictures are not there; the first is {absent[0]}."
            )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Record:
        """`image` uint8 (H, W, 3) RGB and its `path`."""
        return {"image": read_rgb(self.paths[index]), "path": str(self.paths[index])}


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        pictures = [path / name for name in list_images(path)]
    elif path.suffix == ".txt":
        pictures = [path.parent / line for line in read_lines(path)]
    else:
        pictures = [path]
    if not pictures:
        raise MissingDataError(f"{path}: expected pictures to predict, found none.")
    return pictures
