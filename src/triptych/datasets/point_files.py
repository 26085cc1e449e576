"""The files of the images that a table of points names."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from triptych.datasets.files import list_images
from triptych.datasets.names import SampleNames, absolute
from triptych.datasets.points_table import PointRow
from triptych.errors import BadSampleError, MissingDataError


def find_files(table: Path, rows: Sequence[PointRow], root: Path) -> dict[str, Path]:
    """The file of each path in the table.

    A path is relative to the table's folder or to `root`, or a whole path; other spellings are those of `SampleNames`.

    Args:
        table: The table.
        rows: Its rows.
        root: Folder of the data set.

    Raises:
        MissingDataError: Some files do not exist.
        BadSampleError: A path may be that of several files.
    """
    line_of = {row.path: row.line for row in reversed(rows)}
    folders = [table.parent, root]
    found = {text: _find_file(text, folders) for text in dict.fromkeys(row.path for row in rows)}
    absent = {text: line_of[text] for text, path in found.items() if path is None}
    if absent:
        found |= _find_respelled(table, absent, len(found), root)
    return {text: path for text, path in found.items() if path is not None}


def _find_respelled(table: Path, line_of: Mapping[str, int], count: int, root: Path) -> dict[str, Path]:
    """The files of paths of another machine or spelling; see `SampleNames`.

    Args:
        table: The table.
        line_of: The line of each path.
        count: How many paths the table has.
        root: Folder of the data set.
    """
    names, folders = SampleNames(list_images(root), root, root, noun="image"), dict.fromkeys((table.parent, root))
    bases = [*map(absolute, folders)]
    found = {text: names.find(text, bases) for text in line_of}
    absent = [text for text, fitting in found.items() if not fitting]
    if absent:
        near = names.nearest(absent[0], bases)
        places = " or ".join(map(str, folders))
        raise MissingDataError(
            f"{table}: {len(absent)} of {count} images do not exist; the first is {absent[0]!r} in line "
            f"{line_of[absent[0]]}, expected in {places}{f' (the nearest: {near[0]})' if near else ''}; correct the "
            "path, or remove its rows."
        )
    for text, fitting in found.items():
        if len(fitting) > 1:
            raise BadSampleError(
                f"{table}: line {line_of[text]}: expected the path of one image, but {text!r} may be {fitting[0]} or "
                f"{fitting[1]}; write it in full."
            )
    return {text: root / fitting[0] for text, fitting in found.items()}


def _find_file(text: str, folders: Sequence[Path]) -> Path | None:
    """The file that a path means below one of the folders, in either of Unicode's normal forms."""
    for form in dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))):
        for folder in folders:
            path = Path(os.path.normpath(folder / form))
            if path.is_file():
                return path
    return None
