"""The rows of a table of points, each checked."""

import csv
import math
from pathlib import Path
from typing import NamedTuple

from triptych.errors import BadSampleError, MissingDataError

_COLUMNS = ("path", "y_px", "x_px")
_NAME = "name"


class PointRow(NamedTuple):
    """A row of the table: its line in the file, from 1, the text of its path, the point's name, and (x, y) or NaN."""

    line: int
    path: str
    name: str
    place_px: tuple[float, float]


def read_points(table: Path) -> list[PointRow]:
    """The rows of a table; see `triptych.datasets.points`.

    Raises:
        MissingDataError: The table does not exist.
        BadSampleError: It lacks a column, a row has no path, no name or half a point, or a coordinate is no number.
    """
    if not table.is_file():
        raise MissingDataError(f"{table}: no such file; expected a table with the columns path,y_px,x_px.")
    header, lines = _cells(table)
    if absent := [heading for heading in _COLUMNS if heading not in header]:
        raise BadSampleError(
            f"{table}: expected the columns path, y_px and x_px, and name if an image has several points; "
            f"{', '.join(absent)} is not among {', '.join(header) or 'none'}."
        )
    return [_row(table, line, dict(zip(header, cells, strict=True))) for line, cells in lines]


def _cells(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The headings, and the line and cells of each row that holds text."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [heading.strip() for heading in next(reader, [])]
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    lines = [(line, cells) for line, cells in lines if any(cells)]
    for line, cells in lines:
        if len(cells) != len(header):
            raise BadSampleError(f"{table}: line {line}: expected {len(header)} cells, as in line 1, got {len(cells)}.")
    return header, lines


def _row(table: Path, line: int, cells: dict[str, str]) -> PointRow:
    path, name = cells["path"], cells.get(_NAME, "")
    x, y = (_coordinate(table, line, column, cells[column]) for column in ("x_px", "y_px"))
    if not path:
        raise BadSampleError(f"{table}: line {line}: expected the path of an image, got none.")
    if math.isnan(x) != math.isnan(y):
        raise BadSampleError(
            f"{table}: line {line}: expected both y_px and x_px, or neither for a missing point, got one of them."
        )
    if _NAME in cells and not name and not math.isnan(x):
        raise BadSampleError(f"{table}: line {line}: expected the name of the point, got none.")
    return PointRow(line, path, name, (x, y))


def _coordinate(table: Path, line: int, column: str, text: str) -> float:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise BadSampleError(
            f"{table}: line {line}: expected pixels as a number such as 12.5, or nothing for a missing point, as "
            f"{column}, got {text!r}."
        )
    return number
