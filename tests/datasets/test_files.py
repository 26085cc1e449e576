"""Images are listed with their subfolders, and what systems leave in folders is passed over."""

from pathlib import Path

import pytest

from triptych.datasets.files import list_files, list_images, none_found

LEFT = ["._a.png", ".DS_Store", "Thumbs.db", "__MACOSX/a.png", "__MACOSX/images/._a.png", ".cache/a.png", "b/._c.jpg"]
LEFT += ["@eaDir/a.png/SYNOFILE_THUMB_M.png", "$RECYCLE.BIN/a.png"]


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_names_are_paths_below_the_folder_sorted(tmp_path: Path) -> None:
    write(tmp_path, "b.JPG", "a.png", "bonn/2/x.tif", "bonn/x.webp", "notes.md", "bonn/x.txt", "2014.png/a.png")
    assert list_images(tmp_path) == ["2014.png/a.png", "a.png", "b.JPG", "bonn/2/x.tif", "bonn/x.webp"]
    assert sorted(set(list_files(tmp_path)) - set(list_images(tmp_path))) == ["bonn/x.txt", "notes.md"]


@pytest.mark.parametrize("left", LEFT)
def test_what_systems_leave_is_no_image(tmp_path: Path, left: str) -> None:
    write(tmp_path, "a.png", "b/c.jpg", left)
    assert list_images(tmp_path) == sorted(list_files(tmp_path)) == ["a.png", "b/c.jpg"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/x.png", "images/a.png", "images/sub/b.png")
    (tmp_path / "images" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "c.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    (tmp_path / "images" / "sub" / "up").symlink_to(tmp_path / "images")
    (tmp_path / "images" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert list_images(tmp_path / "images") == ["a.png", "c.png", "linked/x.png", "sub/b.png"]


def test_an_absent_folder_has_no_files(tmp_path: Path) -> None:
    assert list_files(tmp_path / "x") == []


def test_what_a_folder_holds_instead_of_images_is_told(tmp_path: Path) -> None:
    assert none_found(tmp_path) == "found none"
    write(tmp_path, "a.HEIC", "b/c.heic", "notes", ".x.dcm")
    assert none_found(tmp_path).startswith("found 2 .heic, 1 without suffix, but none of .bmp, .jpeg, ")
