"""The rows of a table of points, each checked."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.table import Row, Table, read_table
from triptych.errors import BadSampleError, MissingDataError

_COLUMNS = ("path", "y_px", "x_px")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
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
    if not table.is_file():
        raise MissingDataError(
            f"{table}: no such file; expected a table with the columns path, y_px and x_px, and name if an image has "
            "several points."
        )
    found = read_table(table, (*_COLUMNS, _NAME))
    if absent := [heading for heading in _COLUMNS if heading not in found.header]:
        raise BadSampleError(
            f"{table}: expected the columns path, y_px and x_px, and name if an image has several points; "
            f"{', '.join(absent)} is not among {', '.join(found.header)}; write these headings into the first line."
        )
    return [_row(found, row) for row in found.rows]


def _row(found: Table, row: Row) -> PointRow:
    table, line, cells = found.path, row.line, dict(zip(found.header, row.cells, strict=True))
    path, name = cells["path"], cells.get(_NAME, "")
    x, y = (_coordinate(found, line, column, cells[column]) for column in ("x_px", "y_px"))
    if not path:
        raise BadSampleError(f"{table}: line {line}: expected the path of an image, got none.")
    if math.isnan(x) != math.isnan(y):
        raise BadSampleError(
            f"{table}: line {line}: expected both y_px and x_px, or neither for a missing point, got one of them."
        )
    if _NAME in cells and not name and not math.isnan(x):
        raise BadSampleError(f"{table}: line {line}: expected the name of the point, got none.")
    return PointRow(line, path, name, (x, y), cells)


def _coordinate(table: Table, line: int, column: str, text: str) -> float:
    """A number of pixels, NaN for nothing; a comma before the decimals is read, unless it may separate thousands."""
    if _DECIMAL_COMMA.fullmatch(text) and (table.separator == ";" or not _THOUSANDS.fullmatch(text)):
        text = text.replace(",", ".")
    try:
        number = float(text) if text else math.nan
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise BadSampleError(
            f"{table.path}: line {line}: expected pixels as a number such as 12.5, or nothing for a missing point, as "
            f"{column}, got {text!r}."
        )
    return number
