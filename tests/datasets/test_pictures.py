"""Pictures to predict, and the lists of files they come from."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from triptych.datasets.files import list_images
from triptych.datasets.names import names_below
from triptych.datasets.pictures import Pictures, base_folder
from triptych.datasets.text import read_lines
from triptych.errors import BadSampleError, MissingDataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three grey images whose value tells them apart, and a file that is not an image."""
    for value, name in enumerate(["c.PNG", "a.png", "b.jpg"]):
        Image.fromarray(np.full((4, 6, 3), 50 * value, np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.md").touch()
    return tmp_path


def test_a_folder_gives_its_images_sorted_by_name_and_nothing_else(folder: Path) -> None:
    images = Pictures(folder)
    assert [images[index]["path"] for index in range(len(images))] == [
        str(folder / name) for name in ("a.png", "b.jpg", "c.PNG")
    ]
    assert [int(images[index]["image"].mean()) for index in range(3)] == [50, 100, 0]


def test_a_folder_gives_what_is_in_its_subfolders_and_nothing_that_systems_leave_there(folder: Path) -> None:
    for name in ("bonn/süd/x.png", "bonn/._x.png", "__MACOSX/a.png", ".cache/y.png", "bonn/Thumbs.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "loop").symlink_to(folder)
    assert list_images(folder) == ["a.png", "b.jpg", "bonn/süd/x.png", "c.PNG"]
    assert Pictures(folder).paths[2] == folder / "bonn" / "süd" / "x.png"


def test_an_image_that_is_listed_twice_is_predicted_once(folder: Path) -> None:
    (folder / "list.txt").write_text("a.png\nc.PNG\na.png\n")
    assert Pictures(folder / "list.txt").paths == [folder / "a.png", folder / "c.PNG"]


def test_a_list_may_have_the_separators_of_windows_and_name_an_image_in_several_ways(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "list.TXT").write_text("..\\a.png\n../sub/../a.png\n")
    assert Pictures(folder / "sub" / "list.TXT").paths == [folder / "a.png"]


def test_a_table_is_said_to_be_no_list(folder: Path) -> None:
    (folder / "list.csv").write_text("path\na.png\n")
    with pytest.raises(BadSampleError, match=r"list.csv: expected a folder, an image, or a \.txt list .* got a table"):
        Pictures(folder / "list.csv")


def test_a_list_gives_its_images_in_its_order_relative_to_its_folder(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "list.txt").write_text(f"../c.PNG\n\n{folder / 'a.png'}\n")
    assert [path.resolve() for path in Pictures(folder / "sub" / "list.txt").paths] == [
        (folder / "c.PNG").resolve(),
        (folder / "a.png").resolve(),
    ]


def test_a_single_image_is_a_set_of_one(folder: Path) -> None:
    images = Pictures(folder / "b.jpg")
    assert (len(images), images[0]["image"].shape, images[0]["image"].dtype) == (1, (4, 6, 3), np.uint8)


def test_absent_and_empty_places_are_named(folder: Path) -> None:
    (folder / "list.txt").write_text("a.png\nx.png\ny.png\n")
    (folder / "empty").mkdir()
    first_absent = re.escape(f"{folder / 'list.txt'}: 2 of 3 images do not exist; the first is {folder / 'x.png'}.")
    with pytest.raises(MissingDataError, match=first_absent):
        Pictures(folder / "list.txt")
    with pytest.raises(MissingDataError, match=re.escape(f"{folder / 'x.png'}: 1 of 1 images do not exist")):
        Pictures(folder / "x.png")
    with pytest.raises(MissingDataError, match=re.escape(f"{folder / 'empty'}: expected images to predict, found")):
        Pictures(folder / "empty")


def test_lines_lose_blank_ones_outer_spaces_line_ends_of_windows_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_bytes("\ufeffSky \r\n\r\n  Cr\u00e8che\r\nRoad".encode())
    assert read_lines(tmp_path / "codes.txt") == ["Sky", "Cr\u00e8che", "Road"]


def test_absent_lists_and_folders_are_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'a.txt'}: no such file; expected one name per")):
        read_lines(tmp_path / "a.txt")
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'images'}: no such folder; expected images")):
        list_images(tmp_path / "images")


def test_a_list_may_have_quotes_and_the_separators_of_windows(folder: Path) -> None:
    first = Pictures(folder).paths[0]
    path = folder / "list.txt"
    path.write_text(f'"..\\{folder.name}\\{first.name}",\n')
    assert [found.resolve() for found in Pictures(path).paths] == [first.resolve()]


def test_names_of_pictures_keep_their_subfolders_and_count_from_the_folder_or_that_of_the_list(tmp_path: Path) -> None:
    folder, inside, outside = tmp_path / "in", tmp_path / "in" / "a" / "x.png", tmp_path / "y.png"
    inside.parent.mkdir(parents=True)
    for path in (folder, folder / "list.txt"):
        assert names_below(base_folder(path), [inside, outside]) == ["a/x.png", outside.as_posix()]
