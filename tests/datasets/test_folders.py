"""A folder of data is expected, and something else is there."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from triptych.datasets import BIWI, CamVid, Pictures, Planet
from triptych.datasets.files import list_images
from triptych.errors import BadSampleError, MissingDataError

READERS: dict[str, Callable[[Path], object]] = {
    "camvid": CamVid,
    "biwi": BIWI,
    "planet": Planet,
    "images": list_images,
    "predict": Pictures,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("x")
    return tmp_path / "data"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("kind", "name"), [("zip", "ZIP"), ("gztar", "gzip"), ("tar", "tar")])
def test_an_archive_is_to_be_unpacked(folder: Path, reader: str, kind: str, name: str) -> None:
    archive = Path(shutil.make_archive(str(folder), kind, folder))
    text = f"{archive}: expected a folder, got an archive ({name}); unpack it and give the folder."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        READERS[reader](archive)
    shutil.rmtree(folder)
    text = f"{folder}: no such folder; unpack {archive.name}, which is beside it."
    with pytest.raises(MissingDataError, match="^" + re.escape(text)):
        READERS[reader](folder)


@pytest.mark.parametrize("reader", [name for name in READERS if name != "predict"])
def test_another_file_is_no_folder(folder: Path, reader: str) -> None:
    text = f"{folder / 'notes.txt'}: expected a folder, got a file; give the folder that it is in."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        READERS[reader](folder / "notes.txt")


def test_masks_and_tiles_that_are_still_packed_are_to_be_unpacked(
    streets: Path, drawn_tiles: Path, tmp_path: Path
) -> None:
    shutil.make_archive(str(streets / "labels"), "zip", streets / "labels")
    shutil.rmtree(streets / "labels")
    with pytest.raises(MissingDataError, match=r"/labels: no such folder; unpack labels\.zip, which is beside it\.$"):
        CamVid(streets).check()
    shutil.copy(drawn_tiles / "train_v2.csv", tmp_path)
    shutil.make_archive(str(tmp_path / "train-jpg"), "gztar", drawn_tiles / "train-jpg")
    with pytest.raises(MissingDataError, match=r"/train-jpg: no such folder; unpack train-jpg\.tar\.gz, which is"):
        Planet(tmp_path)
