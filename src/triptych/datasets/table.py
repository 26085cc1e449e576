"""Tables in text files: CSV as spreadsheets, editors and scripts write it."""

import contextlib
import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.text import read_text
from triptych.errors import BadSampleError

_SEPARATORS = ",;\t|"
_QUOTES = ("'", '"')
_SHOWN = 40
_NAMES = {"\t": "a tab"}
_INVISIBLE = "\ufeff\u200b\u2060"
"""Byte order mark, zero-width space and word joiner, which are no white space for `str.strip`."""
_SAID = re.compile(rf"(sep=([{_SEPARATORS}]))\n", re.IGNORECASE)
"""A first line for Excel, which says the separator."""


class Row(NamedTuple):
    """A row of a table: the number of its first line in the file, from 1, and its cells."""

    line: int
    cells: list[str]


class Table(NamedTuple):
    """A table of text: every row has a cell for each heading. Cells and headings are stripped; see `stripped`.

    `separator` is the text between two columns.
    """

    path: Path
    header: list[str]
    rows: list[Row]
    separator: str

    def column(self, heading: str, argument: str) -> int:
        """Index of a column.

        Args:
            heading: Its heading.
            argument: The argument that sets the heading, which the error names.

        Raises:
            BadSampleError: No column has this heading.
        """
        if heading in self.header:
            return self.header.index(heading)
        near = nearest(heading, self.header)
        raise BadSampleError(
            f"{self.path}: expected a column {heading!r}, got {', '.join(self.header)}; set {argument} to the heading"
            f"{f', such as {near!r}' if near else ''}, or write the headings into the first line."
        )


def read_table(path: Path, wanted: Sequence[str] = ()) -> Table:
    """Reads a table with a header, whose columns are separated by commas, semicolons, tabs or vertical bars.

    A quoted cell may hold anything, line breaks included. Rows without any text are skipped, and so are empty cells
    beyond the headings, and a first line `sep=;`.

    Args:
        path: A file in UTF-8.
        wanted: Headings that tell the separator: the one is taken under which most of them are found, then the one that
            gives most columns.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: The file is no such table, a heading comes twice, a row is longer or shorter than the header, or
            a cell has no heading; only a first column without heading, as pandas writes its index, may hold text.
    """
    text = read_text(path, "a table").replace("\r\n", "\n").replace("\r", "\n")
    said = _SAID.match(text)
    text = text[len(said[1]) :] if said else text  # a blank line stays, so that lines keep their numbers
    separator = said[2] if said else max(_SEPARATORS, key=lambda one: _fit(_first_row(text, one), wanted))
    with _cells_of(len(text)):
        header, *rows = list(_rows(path, text, separator)) or [Row(1, [])]
    rows = [_without_empty_end(row, len(header.cells)) for row in rows]
    if not rows:
        raise BadSampleError(
            f"{path}: expected a line of headings and rows below it, got {'no rows' if header.cells else 'no text'}."
        )
    _check_header(path, header)
    _check_lengths(path, header, rows, separator)
    _check_unnamed(path, header, rows)
    return Table(path, header.cells, rows, separator)


def stripped(text: str) -> str:
    """Text without what surrounds it: white space, non-breaking and invisible characters, and a pair of quotes."""
    bare = text.strip().strip(_INVISIBLE).strip()
    if len(bare) > 1 and bare[0] in _QUOTES and bare.find(bare[0], 1) == len(bare) - 1:
        return stripped(bare[1:-1])
    return bare


def nearest(word: str, words: Sequence[str]) -> str | None:
    """The most similar of some words, whatever their case; None if none is similar."""
    spelled = {one.casefold(): one for one in reversed(words)}
    near = difflib.get_close_matches(word.casefold(), spelled, n=1, cutoff=0.5)
    return spelled[near[0]] if near else None


def _first_row(text: str, separator: str) -> list[str]:
    """The cells of the first line with text, as far as they can be read."""
    lines = (line for line in text.split("\n") if line.strip(f"{_SEPARATORS} "))
    line = next(lines, "")[: csv.field_size_limit()]
    return [stripped(cell) for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]


@contextlib.contextmanager
def _cells_of(length: int) -> Iterator[None]:
    """Context in which a cell may have so many characters; the csv module admits 131,072."""
    before = csv.field_size_limit()
    csv.field_size_limit(max(length, before))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _fit(header: list[str], wanted: Sequence[str]) -> tuple[int, int]:
    return len({*header} & {*wanted}), len(header)


def _rows(path: Path, text: str, separator: str) -> Iterator[Row]:
    """Rows that hold text, the header among them."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            row = Row(line, [stripped(cell) for cell in cells])
            line = reader.line_num + 1
            if any(row.cells):
                yield row
    except csv.Error as error:
        raise BadSampleError(
            f"{path}: line {line}: expected a row with quotes around whole cells or none, but it cannot be read "
            f"({error})."
        ) from error


def _without_empty_end(row: Row, length: int) -> Row:
    """A row without empty cells after the first `length`, which spreadsheets write."""
    return row if any(row.cells[length:]) else Row(row.line, row.cells[:length])


def _check_header(path: Path, header: Row) -> None:
    repeated = [heading for heading, count in Counter(header.cells).items() if heading and count > 1]
    if repeated:
        raise BadSampleError(
            f"{path}: line {header.line}: expected each heading once, got {repeated[0]!r} "
            f"{header.cells.count(repeated[0])} times; rename or remove a column, or write the headings into the first "
            "line."
        )


def _check_lengths(path: Path, header: Row, rows: list[Row], separator: str) -> None:
    length, name = len(header.cells), _NAMES.get(separator, repr(separator))
    wrong = [row for row in rows if len(row.cells) != length]
    if wrong:
        first = wrong[0]
        advice = (
            f"put a cell that holds {name} in quotes, or use another delimiter in it"
            if len(first.cells) > length
            else f"complete it; empty cells need their {name} too"
        )
        raise BadSampleError(
            f"{path}: line {first.line}: expected {length} cells ({', '.join(header.cells)}), got {len(first.cells)} "
            f"({' | '.join(map(_shown, first.cells))}), and so in {len(wrong)} of {len(rows)} rows; {advice}."
        )


def _check_unnamed(path: Path, header: Row, rows: list[Row]) -> None:
    unnamed = [column for column, heading in enumerate(header.cells) if column and not heading]
    for row in rows if unnamed else ():
        for column in unnamed:
            if row.cells[column]:
                raise BadSampleError(
                    f"{path}: line {row.line}: expected a heading for column {column + 1}, which holds "
                    f"{_shown(row.cells[column])!r}, got none; write one, or put a cell that holds the separator in "
                    "quotes."
                )


def _shown(cell: str) -> str:
    """The beginning of a cell, for an error: it may be a whole text."""
    return cell if len(cell) <= _SHOWN else f"{cell[:_SHOWN]}…"
