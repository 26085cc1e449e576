"""Tables in which each tag is a column of 0 and 1."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from triptych.datasets.table import Table, nearest
from triptych.errors import BadSampleError

_NO, _YES = ("0", "0.0", "0,0", "false", "no"), ("1", "1.0", "1,0", "true", "yes")
_FLAGS = dict.fromkeys(_NO, False) | dict.fromkeys(_YES, True)
_INDEX = re.compile(r"Unnamed: \d+")
"""Heading of a column that had none, such as the index, once pandas has read and written the table."""
_OF_THE_SPLIT = ("is_valid", "is_val", "is_test", "is_train")
"""Columns that tell the split, as fastai's `is_valid` does; no tags unless they are listed."""
_USUAL_NAME = "image_name"
"""The name column's heading unless it is set; a table without it may name its tiles in another one."""


class Flags(NamedTuple):
    """Indices of the column of names, and of the columns that are tags."""

    name: int
    tags: list[int]


def find_flags(
    table: Table, name_column: str, listed: Sequence[str] | None, no_tags: Sequence[str | None]
) -> Flags | None:
    """Finds the columns that are tags: those listed, or else all but that of the names; None if none holds 0 and 1.

    Args:
        table: The table.
        name_column: Heading of the names; if it is the default and absent, the only column of text has the names.
        listed: Headings of the tags; None takes all.
        no_tags: Headings of columns that are no tags.

    Raises:
        BadSampleError: A listed column or that of the names is absent, or there are no headings.
    """
    excluded = {"", name_column, *no_tags, *_OF_THE_SPLIT}
    columns = [
        column
        for column, heading in enumerate(table.header)
        if heading not in excluded and not _INDEX.fullmatch(heading)
    ]
    flags = [column for column in columns if _is_flag(table, column)]
    if not flags and not (listed and {*listed} <= {*table.header}):
        return None
    _check_headings(table, flags)
    text = [column for column in columns if column not in flags]
    if name_column == _USUAL_NAME and name_column not in table.header and len(text) == 1:
        name = text[0]
    else:
        name = table.column(name_column, "name_column")
    if listed is not None:
        return Flags(name, [_listed(table, tag) for tag in listed])
    return Flags(name, [column for column in columns if column != name])


def read_flags(table: Table, flags: Flags) -> list[list[str]]:
    """The tags of each row.

    Raises:
        BadSampleError: A column that is a tag holds something else than 0 and 1.
    """
    for row in table.rows:
        for column in flags.tags:
            if row.cells[column].casefold() not in _FLAGS:
                raise BadSampleError(
                    f"{table.path}: line {row.line}: expected 0 or 1 in column {table.header[column]!r}, got "
                    f"{row.cells[column]!r}; correct it, list the columns that are tags in tags, or set tag_column; "
                    "set valid_column if it tells the split."
                )
    return [
        [table.header[column] for column in flags.tags if _FLAGS[row.cells[column].casefold()]] for row in table.rows
    ]


def _is_flag(table: Table, column: int) -> bool:
    """Whether most cells are 0 or 1."""
    return 2 * sum(row.cells[column].casefold() in _FLAGS for row in table.rows) > len(table.rows)


def _check_headings(table: Table, flags: Sequence[int]) -> None:
    headings = [table.header[column] for column in flags]
    if flags and all(heading.casefold() in _FLAGS for heading in headings):
        raise BadSampleError(
            f"{table.path}: expected the names of tags as headings, got {', '.join(headings)}; write the headings into "
            "the first line."
        )


def _listed(table: Table, tag: str) -> int:
    if tag in table.header:
        return table.header.index(tag)
    near = nearest(tag, table.header)
    raise BadSampleError(
        f"{table.path}: expected a column for each of tags, got none for {tag!r}"
        f"{f'; similar is {near!r}' if near else ''}; the columns are {', '.join(table.header)}."
    )
