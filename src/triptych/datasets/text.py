"""Text files of data: UTF-8, with or without a byte order mark."""

import re
from pathlib import Path

from triptych.errors import BadSampleError, MissingDataError

_BYTE_ORDER_MARK = "\ufeff"
_WORKBOOK = b"PK\x03\x04"
"""First bytes of a zip archive, such as a workbook of Excel or LibreOffice."""


def read_text(path: Path, expected: str = "a text file") -> str:
    """The text of a file, with its line ends as they are.

    Args:
        path: The file.
        expected: What it should hold, for the error if there is none.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is a workbook; or it is not UTF-8, such as what Excel saves as CSV, or PowerShell and Notepad
            as Unicode.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected {expected}.")
    data = path.read_bytes()
    if data.startswith(_WORKBOOK):
        raise BadSampleError(f"{path}: expected {expected}, got a workbook or an archive; save it as CSV in UTF-8.")
    try:
        text = data.decode("utf-8")
        wrong = data.find(0)  # every second byte of UTF-16, and no character of a text
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if wrong >= 0:
        line = len(split_lines(data[:wrong].decode("utf-8")))
        raise BadSampleError(
            f"{path}: expected text in UTF-8, got byte 0x{data[wrong]:02x} at position {wrong} (line {line}); "
            "save it as UTF-8."
        )
    return text.removeprefix(_BYTE_ORDER_MARK)


def split_lines(text: str) -> list[str]:
    """All lines of a text, as an editor numbers them, without outer spaces."""
    return [line.strip() for line in re.split(r"\r\n|\r|\n", text)]


def bare(line: str) -> str:
    """A line without what spreadsheets and scripts put around a name: separators at its end, quotes around it."""
    line = line.rstrip(",; \t")
    return line[1:-1].strip() if len(line) > 2 and line[0] == line[-1] and line[0] in "\"'" else line


def read_lines(path: Path) -> list[str]:
    """Lines of a text file, without blank lines and outer spaces.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is not UTF-8.
    """
    return [line for line in split_lines(read_text(path, "one name per line")) if line]
