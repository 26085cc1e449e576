"""A table of labels that grows by the rows of each correction."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from triptych.errors import BadSampleError
from triptych.serve.corrections.layout import text_of


def rows_of(path: Path, header: Sequence[str]) -> Iterator[list[str]]:
    """The rows below the header; none if there is no table.

    Raises:
        BadSampleError: It has another header, or a row another number of cells.
    """
    rows = csv.reader(io.StringIO(text_of(path), newline=""))
    found = next(rows, None)
    if found is not None and found != [*header]:
        raise BadSampleError(
            f"{path}: expected the columns {','.join(header)}, got {','.join(found)[:80]}; choose another folder."
        )
    for row in filter(None, rows):
        if len(row) != len(header):
            raise BadSampleError(f"{path}: line {rows.line_num}: expected {len(header)} cells, got {len(row)}.")
        yield row


def with_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """The content of a table with more rows at its end; the header begins a new one."""
    before = text_of(path)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows if before else [header, *rows])
    return (before + "\n" * (bool(before) and not before.endswith("\n")) + text.getvalue()).encode()


def refuse_unknown(path: Path, kind: str, found: set[str], known: Sequence[str]) -> None:
    """Raises an error if a table names what the model does not.

    Raises:
        BadSampleError: It does.
    """
    if unknown := sorted(found - {*known}):
        raise BadSampleError(
            f"{path}: expected the {kind} of the model ({', '.join(known[:3])}{', ...' * (len(known) > 3)}), got "
            f"{unknown[0]!r}; choose another folder."
        )
