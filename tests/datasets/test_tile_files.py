"""Tiles are found by their names in the table, with or without suffix; or the error says what to set."""

import os
import re
import unicodedata
from pathlib import Path

import pytest

from triptych.datasets.tile_files import TileFiles
from triptych.errors import BadSampleError, MissingDataError


def folder_of(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def found(root: Path, names: list[str], suffix: str = ".jpg") -> list[str]:
    """Paths of the tiles, below the root."""
    paths = TileFiles(root, "tiles", suffix).find(names)
    assert list(paths) == names
    return [path.relative_to(root).as_posix() for path in paths.values()]


FOUND = {
    "without suffix": (["t0.jpg", "t0.png"], "t0", ".jpg", "t0.jpg"),
    "the suffix decides": (["t0.jpg", "t0.tif"], "t0", ".tif", "t0.tif"),
    "with suffix": (["t0.jpg", "t0.png"], "t0.png", ".jpg", "t0.png"),
    "with suffix, none left out": (["t0.jpg"], "t0.jpg", "", "t0.jpg"),
    "both suffixes": (["t0.jpg", "t0.jpg.jpg"], "t0.jpg", ".jpg", "t0.jpg.jpg"),
    "another suffix": (["t0.png", "t0.txt", "t01.png"], "t0", ".jpg", "t0.png"),
    "another suffix than the table's": (["t0.png"], "t0.jpg", ".jpg", "t0.png"),
    "upper case": (["t0.JPG"], "t0", ".jpg", "t0.JPG"),
    "upper case in the table": (["t0.jpg"], "t0.JPG", ".jpg", "t0.jpg"),
    "a dot in the name": (["x.one.jpg", "x.jpg"], "x.one", ".jpg", "x.one.jpg"),
    "a long suffix": (["t0_rgb.jpeg", "t0.jpg"], "t0", "_rgb.jpeg", "t0_rgb.jpeg"),
    "a suffix with a folder": (["t0/image.png", "t0/mask.png"], "t0", "/image.png", "t0/image.png"),
    "subfolders": (["a/t0.jpg", "t0.jpg"], "a/t0", ".jpg", "a/t0.jpg"),
    "a back slash": (["a/t0.jpg"], "a\\t0.jpg", ".jpg", "a/t0.jpg"),
    "the folder": (["t0.jpg"], "tiles/t0.jpg", ".jpg", "t0.jpg"),
    "hidden files": (["t0.png", ".t0.tif", "._t0.jpg"], "t0", ".jpg", "t0.png"),
    "another Unicode form": (
        [unicodedata.normalize("NFD", "é.jpg")],
        "é",
        ".jpg",
        unicodedata.normalize("NFD", "é.jpg"),
    ),
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_tile_is_found_however_its_name_is_written(tmp_path: Path, kind: str) -> None:
    files, name, suffix, expected = FOUND[kind]
    folder_of(tmp_path, *(f"tiles/{file}" for file in files))
    assert found(tmp_path, [name], suffix) == [f"tiles/{expected}"]


def test_a_name_that_fits_several_files_is_refused_with_both(tmp_path: Path) -> None:
    folder_of(tmp_path, "tiles/t0.png", "tiles/t0.tif", "tiles/t1.png")
    text = (
        f"planet: 1 of 2 tiles have several files; the first is 't0': {tmp_path}/tiles/t0.png and {tmp_path}/tiles/t0"
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(text + ".tif; set suffix to ")):
        found(tmp_path, ["t1", "t0"])


def test_two_names_of_one_file_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, "tiles/t0.jpg", "tiles/t1.jpg")
    text = f"planet: expected each tile once, got 't0' and 't0.jpg', both {tmp_path}/tiles/t0.jpg."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        found(tmp_path, ["t0", "t1", "t0.jpg"])


MISSING = {
    "another folder": (["other/t0.jpg", "valid/x.jpg"], "set folder to 'other', where it is."),
    "the root": (["t0.jpg"], "set folder to '.', where it is."),
    "no folder": (["b/x.jpg", "a/x.jpg"], "there is no such folder; set folder to that of the tiles, out of a, b."),
    "a subfolder": (["tiles/a/t0.png"], "it is in {root}/tiles/a; write the subfolder into the table, as in a/t0."),
    "a longer suffix": (["tiles/t0_rgb.png"], "set suffix to '_rgb.png' if t0_rgb.png is meant."),
    "other names": (
        ["tiles/x.png", "tiles/y.png", "tiles/z"],
        "the folder holds 2 .png, 1 without suffix, such as x.png.",
    ),
    "another case": (["tiles/T0.jpg"], "correct the table if T0.jpg is meant, or remove the row."),
    "zeros before it": (["tiles/00t0.jpg"], "correct the table if 00t0.jpg is meant, or remove the row."),
    "nothing": (["tiles/.x.jpg"], "the folder holds no files."),
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_tile_is_reported_with_what_would_find_it(tmp_path: Path, kind: str) -> None:
    files, advice = MISSING[kind]
    folder_of(tmp_path, *files)
    text = f"planet: 2 of 2 tiles do not exist; the first is {tmp_path}/tiles/t0.jpg; {advice.format(root=tmp_path)}"
    with pytest.raises(MissingDataError, match="^" + re.escape(text) + "$"):
        found(tmp_path, ["t0", "t9"])


@pytest.mark.parametrize("folder", ["/data/upload/1/", "C:\\tiles of mine\\", "https://a.org/"])
def test_a_tile_of_another_machine_is_said_to_be_in_the_folder(tmp_path: Path, folder: str) -> None:
    folder_of(tmp_path, "tiles/t0.jpg")
    with pytest.raises(MissingDataError, match=f"; t0.jpg is in {tmp_path}/tiles; write the names into the table with"):
        found(tmp_path, [f"{folder}t0.jpg"])


def test_a_single_tile_in_another_folder_is_said_to_be_there(tmp_path: Path) -> None:
    folder_of(tmp_path, "tiles/t0.jpg", "other/t1.jpg")
    text = f"planet: 1 of 2 tiles do not exist; the first is {tmp_path}/tiles/t1.jpg; it is in {tmp_path}/other."
    with pytest.raises(MissingDataError, match="^" + re.escape(text)):
        found(tmp_path, ["t0", "t1"])


def test_each_folder_is_listed_once_and_no_tile_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{folder}/t{number}" for number in range(100) for folder in "ab"]
    folder_of(tmp_path, *(f"tiles/{name}.png" for name in names))
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: listed.append(str(folder)) or scandir(folder))
    for method in ("stat", "is_file", "exists"):
        monkeypatch.delattr(Path, method)
    assert found(tmp_path, names) == [f"tiles/{name}.png" for name in names]
    assert len(listed) == len({*listed}) == 4
