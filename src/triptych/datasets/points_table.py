"""The rows of a table of points, each checked."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.table import read_table
from triptych.errors import BadSampleError

_COLUMNS = ("path", "y_px", "x_px")
_NAME = "name"


class PointRow(NamedTuple):
    """A row of the table: its line in the file, from 1, the text of its path, the point's name, and (x, y) or NaN.

    `cells` has the text of each column by its heading.
    """

    line: int
    path: str
    name: str
    place_px: tuple[float, float]
    cells: Mapping[str, str]


def read_points(table: Path) -> list[PointRow]:
    """The rows of a table; see `triptych.datasets.points`.

    Raises:
        MissingDataError: The table does not exist.
        BadSampleError: It lacks a column, a row has no path, no name or half a point, or a coordinate is no number.
    """
    found = read_table(table, (*_COLUMNS, _NAME))
    if absent := [heading for heading in _COLUMNS if heading not in found.header]:
        raise BadSampleError(
            f"{table}: expected the columns path, y_px and x_px, and name if an image has several points; "
            f"{', '.join(absent)} is not among {', '.join(found.header)}."
        )
    rows = [_row(table, line, dict(zip(found.header, cells, strict=True))) for line, cells in found.rows]
    _refuse_fractions(table, rows)
    return rows


def _refuse_fractions(table: Path, rows: Sequence[PointRow]) -> None:
    """Refuses points as fractions of the size of their image, as several programs write them."""
    numbers = [number for row in rows for number in row.place_px if not math.isnan(number)]
    if all(0 <= number <= 1 for number in numbers) and not all(number.is_integer() for number in numbers):
        raise BadSampleError(
            f"{table}: expected pixels as y_px and x_px, got fractions from {min(numbers):g} to {max(numbers):g} "
            "alone; multiply them by height and width of their images."
        )


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
    return PointRow(line, path, name, (x, y), cells)


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
