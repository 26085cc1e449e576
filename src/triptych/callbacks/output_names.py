"""Names of what is written for images: each its own, known before the first is predicted, the same in every process."""

import hashlib
import itertools
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from triptych.datasets.pictures import common_folder
from triptych.datasets.sample import FileRecords


class OutputNames:
    """The name of the PNG that is written for each image, a POSIX path such as `bonn/x.png`; no two images share one.

    Names follow from the data sets of the loaders alone; see `inputs_of` and `output_names`. An image of which they do
    not tell keeps its own name, with a number for a second one. In several processes, which do not know of each other's
    images, a digest of its path follows.

    Args:
        loaders: A loader, or a list of them, such as `Trainer.predict_dataloaders`.
        num_processes: Number of processes that write into the same folder.
    """

    def __init__(self, loaders: Any, num_processes: int) -> None:
        inputs = inputs_of(loaders)
        self._names = dict(zip(inputs, output_names([*inputs.values()]), strict=True))
        self._taken = {*map(_key, self._names.values())}
        self._num_processes = num_processes

    def __getitem__(self, path: str) -> str:
        if path not in self._names:
            digest = f"-{hashlib.sha256(path.encode()).hexdigest()[:12]}" if self._num_processes > 1 else ""
            self._names[path] = _free(f"{Path(path).stem}{digest}.png", self._taken)
        return self._names[path]


def inputs_of(loaders: Any) -> dict[str, str]:
    """The name of each image of prediction loaders by its path; empty if their data sets do not tell.

    A name is a POSIX path below the data set's `folder`, or else below the deepest folder of all its images.

    Args:
        loaders: A loader, or a list of them, such as `Trainer.predict_dataloaders`.
    """
    loaders = loaders if isinstance(loaders, (list, tuple)) else [loaders]
    names = {}
    for records in (getattr(getattr(loader, "dataset", None), "records", None) for loader in loaders):
        if isinstance(records, FileRecords) and len(records):
            folder = getattr(records, "folder", None) or common_folder(records.paths)
            names.update({str(path): Path(os.path.relpath(path, folder)).as_posix() for path in records.paths})
    return names


def output_names(names: Sequence[str]) -> list[str]:
    """The name of the PNG for each image, in its subfolder: `bonn/x.jpg` becomes `bonn/x.png`.

    Images that differ in their suffix alone keep it, as `bonn/x.jpg.png`; where that is not enough, a number follows.
    Names that differ in case or in the form of their Unicode count as one, as they do on some file systems.

    Args:
        names: POSIX paths of all images, in a fixed order.

    Returns:
        A name for each, no two alike.

    >>> output_names(["x.png", "bonn/x.png", "bonn/x.jpg", "y.jpg"])
    ['x.png', 'bonn/x.png.png', 'bonn/x.jpg.png', 'y.png']
    """
    short = [str(PurePosixPath(name).with_suffix(".png")) for name in names]
    counts = Counter(map(_key, short))
    taken = {key for key, count in counts.items() if count == 1}
    return [
        plain if counts[_key(plain)] == 1 else _free(f"{name}.png", taken)
        for name, plain in zip(names, short, strict=True)
    ]


def _free(name: str, taken: set[str]) -> str:
    """The name of a PNG, with a number if another image has taken it; from then on it is taken."""
    numbered = (f"{name.removesuffix('.png')}-{number}.png" for number in itertools.count(2))
    free = next(one for one in itertools.chain([name], numbered) if _key(one) not in taken)
    taken.add(_key(free))
    return free


def _key(name: str) -> str:
    """What two names have in common if a file system may take them for one."""
    return unicodedata.normalize("NFC", name).casefold()
