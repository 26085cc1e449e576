"""The line of a class is its id, so nothing else may stand between the names."""

import re
from pathlib import Path

import pytest

from triptych.datasets.camvid import CamVid
from triptych.datasets.codes import read_codes
from triptych.errors import BadSampleError, MissingDataError


@pytest.mark.parametrize(
    "content", ["sky\nroad\ncar", "sky\nroad\ncar\n", "\ufeffsky\r\n road \r\ncar\r\n\r\n \r\n\r\n"]
)
def test_the_index_of_a_name_is_its_id_whatever_ends_the_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "codes.txt").write_bytes(content.encode())
    assert read_codes(tmp_path / "codes.txt") == ["sky", "road", "car"]


@pytest.mark.parametrize(
    "content",
    ["0 sky\n1 road\n2 Void", "0: sky\n1: road\n2: Void", "0\tsky\n1\troad\n2\tVoid", '"sky"\n"road"\n"Void"\n'],
)
def test_ids_that_are_those_of_the_lines_and_quotes_are_no_part_of_a_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "codes.txt").write_text(content)
    assert read_codes(tmp_path / "codes.txt") == ["sky", "road", "Void"]


def test_names_that_begin_with_a_number_are_names_if_most_have_none(tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("car,\n4 wheels,\nbus,\n")
    assert read_codes(tmp_path / "codes.txt") == ["car", "4 wheels", "bus"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sky\nroad\n\ncar\n", "expected the name of class 2 in line 3, .* got a blank line; .*unused_2"),
        ("\nsky\n", "expected the name of class 0 in line 1, .* got a blank line; "),
        ("sky\n \t\nroad\n", "expected the name of class 1 in line 2, .* got a blank line; "),
        ("# classes\nsky\n", "expected the name of class 0 in line 1, .* got the comment '# classes'; remove the line"),
        ("sky\n  #road\ncar", "expected the name of class 1 in line 2, .* got the comment '#road'; "),
        ("sky\nroad\nsky\n", "expected each class once, got 'sky' in line 1 and 'sky' in line 3; "),
        ("Sky\nroad\n sky \n", "expected each class once, got 'Sky' in line 1 and 'sky' in line 3; "),
        ("cr\u00e8che\ncre\u0300che\n", "expected each class once, got .* in line 1 and .* in line 2; "),
        ("// classes\nsky\n", "expected the name of class 0 in line 1, .* got the comment '// classes'; "),
        ("name\nsky\nroad\n", "expected .* line 1, .* got the heading 'name'; remove the line"),
        ("__ignore__\n_background_\nsky\n", "expected .* line 1, .* got '__ignore__', to which Labelme gives no id; "),
        ("1 sky\n2 road\n", "expected .* line 1, .* got '1 sky'; sort the lines by id, from 0, with .* unused_0 "),
        ("0: sky\n7: road\n", "expected .* line 2, .* got '7: road'; sort the lines by id, .* unused_1 "),
        ("0,sky\n1,road\n255,void\n", "expected .* line 3, .* got '255,void'; remove the line, since 255 is void"),
        ("id,name\n0,sky\n1,road\n", "expected .* line 1, .* got 'id,name' without the id that the other lines have"),
        ("64 128 64\tsky\n0 0 9\troad\n", "expected .* line 1, .* got a colour too, .*; write the names alone"),
        ("sky:0,0,0::\nroad:9,0,0::\n", "expected .* line 1, .* got a colour too, 'sky:0,0,0::'; write the names"),
        (
            "sky,road,car\n",
            "expected at least two class names, one per line, in order of id, got 'sky,road,car' alone; ",
        ),
        ("", "expected one class name per line, in order of id, got an empty file."),
        ("\ufeff\r\n \r\n", "expected one class name per line, in order of id, got an empty file."),
    ],
)
def test_what_would_move_ids_or_name_nothing_is_refused_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "codes.txt").write_bytes(content.encode())
    with pytest.raises(BadSampleError, match=rf"^{re.escape(str(tmp_path))}/codes\.txt: {message}"):
        read_codes(tmp_path / "codes.txt")


def test_a_data_set_reads_its_codes_strictly(streets: Path) -> None:
    (streets / "codes.txt").write_bytes("sky\ncrèche\n".encode("latin1"))
    with pytest.raises(BadSampleError, match=r"codes\.txt: .* byte 0xe8 at position 6 \(line 2\); save it as UTF-8\.$"):
        CamVid(streets)
    (streets / "codes.txt").unlink()
    with pytest.raises(MissingDataError, match=r"codes\.txt: no such file; expected one class name per line, in order"):
        CamVid(streets)
