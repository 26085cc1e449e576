"""Tables of text: the same rows from any program that wrote them, and an error with its line for what is none."""

import csv
import io
import random
import re
from pathlib import Path

import pytest

from triptych.datasets.table import nearest, read_table
from triptych.errors import BadSampleError

CELLS = ["", "t0", "clear, primary", "a;b", 'the "old" road', "x\ny", "slash|burn", "5'", "école", "a\tb", "0.5"]
"""Texts that need care in one dialect or another."""


def written(tmp_path: Path, data: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("seed", range(25))
def test_every_dialect_gives_the_rows_that_were_written(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    header = ["image_name", "tags", *rng.sample(["a", "b c", "é"], rng.randint(0, 3))]
    rng.shuffle(header)
    rows = [[rng.choice(CELLS) for _ in header] for _ in range(6)]
    rows = [row for row in rows if any(row)] or [["t0"] * len(header)]
    separator, end = rng.choice(",;\t|"), rng.choice(["\n", "\r\n", "\r"])
    text = io.StringIO(newline="")
    # with CR as the end, the writer leaves an LF within a cell without quotes
    quoting = csv.QUOTE_ALL if end == "\r" else rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting).writerows([header, *rows])
    data = text.getvalue().removesuffix(end if rng.random() < 0.5 else "")
    table = read_table(written(tmp_path, data.encode(rng.choice(["utf-8", "utf-8-sig"]))), ("image_name", "tags"))
    assert (table.header, table.separator) == (header, separator)
    assert [row.cells for row in table.rows] == rows


def test_a_row_knows_its_first_line_in_the_file(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, '\r\na,b\r\n\r\n1,"x\r\ny"\r\n , \r\n2,z'))
    assert table.rows == [(4, ["1", "x\ny"]), (7, ["2", "z"])]


def test_what_surrounds_cells_and_headings_is_no_part_of_them(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "\ufeffa\u00a0, \"b\",'c'\n\u00a0 x\u200b, \" y  z \",'it''s'\n"))
    assert table.header == ["a", "b", "c"]
    assert table.rows == [(2, ["x", "y  z", "'it''s'"])]


def test_the_wanted_headings_tell_the_separator_whatever_else_the_first_line_holds(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "image_name;tags (clear,road,water,haze)\nt0;1,2\n"), ("image_name", "tags"))
    assert table.header == ["image_name", "tags (clear,road,water,haze)"]
    assert read_table(written(tmp_path, "x;a,b,c\n1;2,3,4\n")).separator == ","


def test_empty_cells_beyond_the_headings_are_passed_over(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a;b\n1;2;\n3;;;\n"))
    assert table.rows == [(2, ["1", "2"]), (3, ["3", ""])]
    with pytest.raises(BadSampleError, match=r"line 3: expected 2 cells \(a, b\), got 4 \(3 \|  \|  \| 4\)"):
        read_table(written(tmp_path, "a;b\n1;2;\n3;;;4\n"))


def test_a_first_line_may_say_the_separator(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "\ufeffSEP=;\r\na,b;c\r\n1,2;3\r\n"))
    assert (table.header, table.rows) == (["a,b", "c"], [(3, ["1,2", "3"])])


def test_empty_headings_may_repeat(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, ",a,\n0,1,\n")).header == ["", "a", ""]


BAD = {
    "longer": (
        b"a,b\nt0,clear\nt1,clear,road\nt2,haze,water\n",
        "line 3: expected 2 cells (a, b), got 3 (t1 | clear | road), and so in 2 of 3 rows; put a cell that holds ',' "
        "in quotes, or use another delimiter in it.",
    ),
    "shorter": (
        b"a;b\nt0;clear\nt1\n",
        "line 3: expected 2 cells (a, b), got 1 (t1), and so in 1 of 2 rows; complete it; empty cells need "
        "their ';' too.",
    ),
    "longer by tabs": (b"a\tb\n1\t2\t3", "line 2: expected 2 cells (a, b), got 3 (1 | 2 | 3), and so in 1 of 1 rows; "),
    "no heading": (
        b",a,b,,\n0,t0,clear,,\n1,t1,clear,road,\n",
        "line 3: expected a heading for column 4, which holds 'road', got none; write one, or put a cell that holds ",
    ),
    "nothing": (b"", "expected a line of headings and rows below it, got no text."),
    "blank lines": (b"\n \n,,\n", "expected a line of headings and rows below it, got no text."),
    "headings alone": (b"a,b\n\n", "expected a line of headings and rows below it, got no rows."),
    "a heading twice": (
        b"\na,b, a\n1,2,3\n",
        "line 2: expected each heading once, got 'a' 2 times; rename or remove a column, or write the headings ",
    ),
    "no closing quote": (
        b'a,b\nt0,clear\nt1,"road\nt2,haze\n',
        "line 3: expected a row with quotes around whole cells or none, but it cannot be read (unexpected end of ",
    ),
    "text after quotes": (
        b'a,b\nt0,"clear" road\n',
        "line 2: expected a row with quotes around whole cells or none, but it cannot be read (",
    ),
    "Latin-1": ("a,b\nt0,brumé".encode("cp1252"), "expected text in UTF-8, got byte 0xe9 at position 11 (line 2); "),
    "UTF-16": ("a,b\nt0,c".encode("utf-16"), "expected text in UTF-8, got byte 0xff at position 0 (line 1); save "),
    "UTF-16 without a mark": ("a,b".encode("utf-16-le"), "expected text in UTF-8, got byte 0x00 at position 1 (line "),
    "zero byte": (b"a,b\r1,2\r3,\x00", "expected text in UTF-8, got byte 0x00 at position 10 (line 3); save it as "),
}


@pytest.mark.parametrize("mistake", BAD)
def test_what_is_no_table_is_refused_with_its_line(tmp_path: Path, mistake: str) -> None:
    data, text = BAD[mistake]
    path = written(tmp_path, data)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        read_table(path)


def test_a_missing_column_is_reported_with_the_headings_the_nearest_and_the_argument(tmp_path: Path) -> None:
    path = written(tmp_path, "Image_Name,tag\nt0,clear\n")
    table = read_table(path)
    assert table.column("tag", "tag_column") == 1
    text = "expected a column 'image_name', got Image_Name, tag; set name_column to the heading, such as 'Image_Name', "
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        table.column("image_name", "name_column")
    with pytest.raises(BadSampleError, match=re.escape("set y to the heading, or write the headings into the first ")):
        table.column("zzz", "y")


def test_nearest_is_the_most_similar_whatever_the_case() -> None:
    assert nearest("Cleer", ["water", "CLEAR", "haze"]) == "CLEAR"
    assert nearest("snow", ["water", "clear"]) is None
