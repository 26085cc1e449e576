"""A table of points: what is read, what is missing, and the errors for a table that is not in order."""

import csv
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from points_files import NAMES, write_faces, write_table

from triptych.datasets import Points
from triptych.errors import BadSampleError, MissingDataError

HEADER = "path,y_px,x_px"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images of 48x64 in `data`, one of them in a folder of its own."""
    for name in ("a.png", "b.png", "more/c.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (9, 8, 7)).save(path)
    return tmp_path / "data"


def places(points: Points) -> dict[str, list[list[float]]]:
    """(x, y) of each point by the name of the image."""
    return {name: place.tolist() for name, place in zip(points.names, points.points_px, strict=True)}


def test_each_image_has_the_named_points_of_its_rows_and_nan_for_the_others(tmp_path: Path) -> None:
    faces = write_faces(tmp_path, count=9, missing=0.4)
    points = Points(tmp_path)
    with (tmp_path / "points.csv").open(newline="") as file:
        assert points.labels == [*dict.fromkeys(row["name"] for row in csv.DictReader(file))]
    assert (len(points), {*points.labels}) == (9, {*NAMES})
    for index, known in enumerate(faces):
        record = points[index]
        assert record["keypoints"].dtype == np.float64
        assert record["path"] == str(points.paths[index]) == str(tmp_path / points.names[index])
        expected = [known.get(name, (np.nan, np.nan)) for name in points.labels]
        np.testing.assert_array_equal(record["keypoints"], expected)
    missing, images = 45 - sum(map(len, faces)), sum(len(known) < 5 for known in faces)
    assert points.missing.startswith(f"points: {missing} of 45 points are missing, in {images} of 9 images (")


def test_one_point_an_image_needs_no_name(images: Path) -> None:
    write_table(images / "points.csv", [("a.png", 1.5, 20), ("more/c.png", 3, 4)], HEADER)
    points = Points(images)
    assert places(points) == {"a.png": [[20, 1.5]], "more/c.png": [[4, 3]]}  # b.png is not in the table
    assert (points.point_names, points.labels, points.missing) == (None, ["point 1"], "")
    assert Points(images, point_names=["nose"]).point_names == ["nose"]


def test_an_image_without_points_is_there_only_if_the_table_has_it(images: Path) -> None:
    write_table(images / "points.csv", [("a.png", "", ""), ("b.png", "nan", "NaN")], HEADER)
    points = Points(images)
    assert points.names == ["a.png", "b.png"]
    assert np.isnan(points.points_px).all()
    rows = [("b.png", "", "", ""), ("a.png", "nose", 1, 2), ("a.png", "", "", ""), ("b.png", "ear", "", "")]
    write_table(images / "points.csv", rows)
    np.testing.assert_array_equal(Points(images).points_px, [[[np.nan, np.nan]] * 2, [[2, 1], [np.nan, np.nan]]])


def test_paths_are_relative_to_the_table_or_to_root_or_absolute(images: Path) -> None:
    folder = images / "predictions"
    folder.mkdir()
    Image.new("RGB", (64, 48)).save(folder / "d.png")
    rows = [(str(images / "a.png"), 1, 2), ("b.png", 3, 4), ("d.png", 5, 6), ("../more/c.png", 7, 8)]
    table = write_table(folder / "points.csv", rows, HEADER)
    for name in ("predictions/points.csv", str(table)):
        points = Points(images, table=name)
        assert points.names == ["a.png", "b.png", "predictions/d.png", "more/c.png"]
        assert points.points_px[:, 0].tolist() == [[2, 1], [4, 3], [6, 5], [8, 7]]
    write_table(table, rows[:1], HEADER)
    assert Points(images / "more", table=str(table)).names == [(images / "a.png").as_posix()]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_may_be_written_in_either_form_of_unicode(images: Path, form: str) -> None:
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    (images / "a.png").rename(images / unicodedata.normalize(form, "é.png"))
    write_table(images / "points.csv", [(unicodedata.normalize(other, "é.png"), 1, 2)], HEADER)
    assert Points(images).names == [unicodedata.normalize(form, "é.png")]


def test_other_columns_spaces_blank_lines_and_a_byte_order_mark_are_no_matter(images: Path) -> None:
    text = "split, path ,x_px,y_px\r\ntrain, a.png , 2 ,1\r\n\r\n,b.png,4,3\r\n"
    (images / "points.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert places(Points(images)) == {"a.png": [[2, 1]], "b.png": [[4, 3]]}


def test_chosen_points_come_in_the_given_order_and_the_others_are_passed_over(tmp_path: Path) -> None:
    faces = write_faces(tmp_path, count=4)
    points = Points(tmp_path, point_names=["nose", "left_eye"])
    np.testing.assert_array_equal(points.points_px, [[face["nose"], face["left_eye"]] for face in faces])
    table = tmp_path / "points.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True) if "a/000.png,nose" not in line))
    assert Points(tmp_path, point_names=["nose"]).names == points.names[1:]  # it has no row for this point


@pytest.mark.parametrize(
    ("point_names", "words"),
    [(["nose", "Eye"], "'Eye'; there are left_eye,"), (["nose", "nose"], "a name twice;"), ([], "none; there are")],
)
def test_unknown_points_are_reported_with_those_there_are(tmp_path: Path, point_names: list[str], words: str) -> None:
    write_faces(tmp_path, count=2)
    text = f"point_names: expected some of the points in {tmp_path / 'points.csv'}, got {words}"
    with pytest.raises(ValueError, match=re.escape(text)):
        Points(tmp_path, point_names=point_names)


def test_some_images_are_taken_by_their_names(tmp_path: Path) -> None:
    faces, points = write_faces(tmp_path, count=5), Points(tmp_path)
    some = points.take(["b/003.png", "a/000.png"])
    assert [path.name for path in some.paths] == ["003.png", "000.png"]
    np.testing.assert_array_equal(some.points_px, [[*faces[3].values()], [*faces[0].values()]])
    assert len(points) == 5


@pytest.mark.parametrize(
    "spelling",
    ["more\\c.png", "more/c", "more/c.PNG", "c.png", "/home/of/another/data/more/c.png", "D:\\data\\more\\c.png"],
)
def test_a_path_of_another_machine_or_spelling_is_found(images: Path, spelling: str) -> None:
    write_table(images / "points.csv", [("a.png", 1, 2), (spelling, 3, 4)], HEADER)
    assert places(Points(images)) == {"a.png": [[2, 1]], "more/c.png": [[4, 3]]}


def test_a_path_that_may_be_that_of_two_images_is_refused(images: Path) -> None:
    Image.new("RGB", (64, 48)).save(images / "c.jpg")
    Image.new("RGB", (64, 48)).save(images / "more" / "c.jpg")
    write_table(images / "points.csv", [("a.png", 1, 2), ("more/c", 3, 4)], HEADER)
    with pytest.raises(BadSampleError, match="line 3: expected the path of one image, but 'more/c' may be more/c"):
        Points(images)


@pytest.mark.parametrize(
    ("separator", "text", "number"),
    [
        (";", "10,5", 10.5),
        (";", "1,125", 1.125),
        ("\t", "10,25", 10.25),
        (",", '"10,5"', 10.5),
        (",", '"0,125"', 0.125),
    ],
)
def test_a_decimal_comma_is_read(images: Path, separator: str, text: str, number: float) -> None:
    (images / "points.csv").write_text("path,y_px,x_px\na.png,{},20\n".replace(",", separator).format(text))
    assert places(Points(images)) == {"a.png": [[20, number]]}


@pytest.mark.parametrize("text", ['"1,125"', '"1,125.5"', '"1.125,5"'])
def test_what_may_be_thousands_is_refused(images: Path, text: str) -> None:
    (images / "points.csv").write_text(f"path,y_px,x_px\na.png,{text},20\n")
    with pytest.raises(BadSampleError, match=f"line 2: expected pixels as a number .* got '{text[1:-1]}'"):
        Points(images)


@pytest.mark.parametrize("rows", [[(0.25, 0.5), (0.75, 0.125)], [(-0.5, 0.25), (1, 1)]])
def test_fractions_instead_of_pixels_are_refused(images: Path, rows: list[tuple[float, float]]) -> None:
    write_table(images / "points.csv", [("a.png", *rows[0]), ("b.png", *rows[1])], HEADER)
    with pytest.raises(BadSampleError, match=r"expected y_px and x_px in pixels, got 2 points between .* multiply y"):
        Points(images)


def test_points_at_the_corner_are_warned_of(images: Path) -> None:
    write_table(images / "points.csv", [("a.png", 0, 0), ("b.png", 30, 20)], HEADER)
    with pytest.warns(UserWarning, match=r"1 of 2 points lie at \(0, 0\) and are learned there; if they are missing"):
        assert places(Points(images))["a.png"] == [[0, 0]]


@pytest.mark.parametrize("names", [["Nose", "nose"], ["left_eye", "left eye"], ["1", "1.0"]])
def test_names_that_differ_by_spelling_are_said_to_be_different_points(images: Path, names: list[str]) -> None:
    write_table(images / "points.csv", [("a.png", names[0], 1, 2), ("b.png", names[1], 1, 2)])
    with pytest.warns(UserWarning, match=f"the names of points {', '.join(names)} differ only by case"):
        assert Points(images).point_names == names


ROWS = [("a.png", "eye", 10, 64), ("a.png", "nose", 20, 30), ("b.png", "eye", -0.5, 30), ("more/c.png", "eye", 1, 1)]


def test_points_outside_of_their_image_become_missing_and_an_image_that_has_no_other_is_left_out(images: Path) -> None:
    write_table(images / "points.csv", ROWS)
    text = (
        "points: 2 of 4 points lie outside of their image and are dropped, with 1 of 3 images that have no other; the "
        f"first is 'eye' of {images / 'a.png'} (x 64.0, y 10.0, image 64x48)."
    )
    with pytest.warns(UserWarning, match=re.escape(text)) as caught:
        points = Points(images)
    assert (len(caught), caught[0].filename) == (1, __file__)
    assert points.names == ["a.png", "more/c.png"]
    np.testing.assert_array_equal(points.points_px, [[[np.nan, np.nan], [30, 20]], [[1, 1], [np.nan, np.nan]]])


def test_points_outside_are_kept_if_asked(images: Path) -> None:
    write_table(images / "points.csv", ROWS)
    with pytest.warns(
        UserWarning, match="2 of 4 points lie outside of their image and are kept; the first is 'eye' of"
    ):
        points = Points(images, outside="keep")
    np.testing.assert_array_equal(points.points_px[:, 0], [[64, 10], [30, -0.5], [1, 1]])


def test_an_image_of_one_point_outside_is_dropped_as_in_biwi(images: Path) -> None:
    write_table(images / "points.csv", [("a.png", 1, 64), ("b.png", "", ""), ("more/c.png", 1, 1)], HEADER)
    with pytest.warns(
        UserWarning, match="1 of 2 points lie outside of their image and are dropped, with 1 of 3 images"
    ):
        assert Points(images).names == ["b.png", "more/c.png"]


BROKEN: dict[str, tuple[str, str]] = {
    "a column": (
        "path,name,y,x\na.png,eye,1,2\n",
        "expected the columns path, y_px and x_px, .*; y_px, x_px is not among",
    ),
    "nothing": ("", "expected "),
    "a word": ("path,y_px,x_px\na.png,1,2\nb.png,1,two\n", "line 3: expected pixels as a number .* as x_px, got 'two'"),
    "infinity": ("path,y_px,x_px\na.png,inf,2\n", "line 2: expected pixels as a number .* as y_px, got 'inf'"),
    "half a point": ("path,y_px,x_px\na.png,,2\n", "line 2: expected both y_px and x_px, or neither"),
    "no path": ("path,y_px,x_px\n,1,2\n", "line 2: expected the path of an image, got none"),
    "no name": ("path,name,y_px,x_px\na.png,,1,2\n", "line 2: expected the name of the point, got none"),
    "a short row": ("path,y_px,x_px\na.png,1\n", "line 2: expected 3 cells.*, got 2"),
    "a point twice": (
        "path,name,y_px,x_px\na.png,eye,1,2\nb.png,eye,1,2\n./a.png,eye,,\n",
        r"expected each point of an image once, got 'eye' of \./a\.png in lines 2 and 4; remove one\.",
    ),
    "an image twice": (
        "path,y_px,x_px\na.png,1,2\na.png,3,4\n",
        r"expected each point .*, got a\.png in lines 2 and 3; remove one, or add a column name if an image .*",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_table_is_refused_with_its_line(images: Path, how: str) -> None:
    content, words = BROKEN[how]
    (images / "points.csv").write_text(content)
    with pytest.raises(BadSampleError, match=f"^{re.escape(str(images / 'points.csv'))}: {words}") as caught:
        Points(images)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            "points.csv",
            r"{root}/points\.csv: 2 of 3 images do not exist; the first is 'x\.png' in line 3, expected in {root} "
            r"\(the nearest: b\.png\); correct the path, or remove its rows\.",
        ),
        ("none.csv", r"{root}/none\.csv: no such file; expected a table"),
    ],
)
def test_what_does_not_exist_is_named(images: Path, table: str, words: str) -> None:
    write_table(images / "points.csv", [("a.png", 1, 2), ("x.png", 1, 2), ("y.png", 1, 2)], HEADER)
    with pytest.raises(MissingDataError, match=words.format(root=re.escape(str(images)))):
        Points(images, table=table)
    with pytest.raises(MissingDataError, match="gone: no such folder; expected a table of points and images in it"):
        Points(images / "gone")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"outside": "clip"}, 'outside: expected "drop" or "keep", got \'clip\'.'),
        ({"point_names": ["a", "b"]}, "point_names: expected one name or null, as"),
    ],
)
def test_arguments_that_are_unknown_are_refused(images: Path, arguments: dict[str, Any], words: str) -> None:
    write_table(images / "points.csv", [("a.png", 1, 2)], HEADER)
    with pytest.raises(ValueError, match=re.escape(words)):
        Points(images, **arguments)
