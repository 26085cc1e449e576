"""Text of data is UTF-8, or refused with the byte that is not."""

import re
from pathlib import Path

import pytest

from triptych.datasets.text import read_lines, read_text, split_lines
from triptych.errors import BadSampleError, MissingDataError

TEXT = "Sky\nCrèche\n"


@pytest.mark.parametrize(
    ("content", "byte", "position", "line"),
    [
        (TEXT.encode("cp1252"), "0xe8", 6, 2),
        (TEXT.replace("\n", "\r\n").encode("latin1"), "0xe8", 7, 2),
        (TEXT.encode("utf-16"), "0xff", 0, 1),  # Notepad's "Unicode", and `>` in PowerShell
        (TEXT.encode("utf-16-be"), "0xe8", 13, 2),
        ("Sky\nRoad\n".encode("utf-16-le"), "0x00", 1, 1),  # each byte of it is UTF-8
        (b"Sky\nCr\xc3", "0xc3", 6, 2),  # cut off
        (b"\xef\xbb\xbfSky\n\xe9", "0xe9", 7, 2),
    ],
)
def test_another_encoding_is_refused_with_the_byte_and_its_place(
    tmp_path: Path, content: bytes, byte: str, position: int, line: int
) -> None:
    (path := tmp_path / "a.txt").write_bytes(content)
    text = f"{path}: expected text in UTF-8, got byte {byte} at position {position} (line {line}); save it as UTF-8."
    for read in (read_text, read_lines):
        with pytest.raises(BadSampleError, match="^" + re.escape(text) + "$"):
            read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_is_read_with_or_without_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.txt") == TEXT


def test_an_absent_file_is_missing_data(tmp_path: Path) -> None:
    text = f"{tmp_path / 'a.txt'}: no such file; expected a table."
    with pytest.raises(MissingDataError, match="^" + re.escape(text)):
        read_text(tmp_path / "a.txt", "a table")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_numbered_as_in_an_editor(end: str) -> None:
    assert split_lines(end.join(["a", "", " b\x0bc\u2028d ", ""])) == ["a", "", "b\x0bc\u2028d", ""]


def test_a_workbook_is_refused_as_one(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(BadSampleError, match="expected a table, got a workbook or an archive; save it as CSV in UTF-8"):
        read_text(tmp_path / "t.xlsx", "a table")
