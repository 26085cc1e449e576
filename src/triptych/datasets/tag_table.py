"""Tables of tags: the tags of each tile, in one column or as columns of 0 and 1."""

import functools
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.one_hot import find_flags, read_flags
from triptych.datasets.table import Row, Table, read_table, stripped
from triptych.datasets.tag_spelling import of_no_tag, spelled_twice, split_wrongly
from triptych.errors import BadSampleError

_QUOTES = ("'", '"')
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
"""A text in a list as Python or JSON writes it: `['clear', "farmer's field"]`."""


class TagForm(NamedTuple):
    """How a table of tags is written.

    `name_column` and `tag_column` are headings; with `tag_column` None each tag is a column of 0 and 1. `separator` is
    the text between two columns, `delimiter` that between two tags.
    """

    name_column: str = "image_name"
    tag_column: str | None = "tags"
    separator: str = ","
    delimiter: str = " "

    def split(self, text: str) -> list[str]:
        """The tags in a cell, each once, without what surrounds them; white space within a tag becomes one space.

        A list in brackets, as pandas and JSON write it, is read as one.
        """
        mark = self.delimiter.strip(" ")
        if text[:1] == "[" and text[-1:] == "]":
            inner = text[1:-1].strip()
            quoted = _QUOTED.findall(inner) if inner.startswith(_QUOTES) else []
            parts = [one or other for one, other in quoted] or inner.split(",")
        else:
            parts = text.split(mark if mark in ",;|" else self.delimiter) if mark else text.split()
        return list(dict.fromkeys(tag for part in parts if (tag := " ".join(stripped(part).split()))))

    def fits(self, tag: str) -> bool:
        """Whether a tag is read as it was written."""
        return self.tag_column is None or self.split(tag) == [tag]

    def for_tags(self, tags: Iterable[str]) -> "TagForm":
        """This form; with another delimiter if a tag holds this one."""
        forms = (self._replace(delimiter=delimiter) for delimiter in (self.delimiter, ",", ";", "|"))
        return next((form for form in forms if all(form.fits(tag) for tag in tags)), self)

    def header(self, tags: Sequence[str]) -> list[str]:
        """The headings of a table of these tags."""
        return [self.name_column, *(tags if self.tag_column is None else [self.tag_column])]

    def cells(self, name: str, chosen: Sequence[str], tags: Sequence[str]) -> list[str]:
        """The row of a tile that has the `chosen` ones of these tags."""
        if self.tag_column is None:
            return [name, *("1" if tag in chosen else "0" for tag in tags)]
        return [name, self.delimiter.join(chosen)]


class TagTable(NamedTuple):
    """The tags of each tile by its name, in the order of the table, and the line in which it stands.

    `headings` are the tags that are columns, also those that no tile has.
    """

    table: Table
    form: TagForm
    tags_of: dict[str, list[str]]
    line_of: dict[str, int]
    headings: list[str]

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def tags(self) -> list[str]:
        """The tags that are columns, or that some tile has, sorted."""
        return sorted({*self.headings}.union(*self.tags_of.values()))

    @property
    def unused(self) -> list[str]:
        """Headings beside those of names and tags."""
        used = {"", self.form.name_column, self.form.tag_column, *self.headings}
        return [heading for heading in self.table.header if heading not in used]

    @property
    def untagged(self) -> list[str]:
        """Names of the tiles without tags."""
        return [name for name, tags in self.tags_of.items() if not tags]

    def place(self, name: str) -> str:
        """A tile and its line, for a message."""
        return f"{name!r} in line {self.line_of[name]}"

    def column(self, heading: str, argument: str) -> dict[str, str]:
        """The cells of another column, by the name of the tile; see `Table.column`."""
        column = self.table.column(heading, argument)
        return {name: row.cells[column] for name, row in zip(self.tags_of, self.table.rows, strict=True)}


def read_tags(
    path: Path, form: TagForm, listed: Sequence[str] | None = None, no_tags: Sequence[str | None] = ()
) -> TagTable:
    """Reads a table of tags, with a warning if tags look as if they were split or spelled wrongly.

    A table without the column of tags whose other columns hold 0 and 1 gives those as tags; the form that is returned
    says what was found.

    Args:
        path: An existing file.
        form: The headings and the delimiter to read it with; the separator is found.
        listed: Columns of 0 and 1 to take as tags; None takes all.
        no_tags: Headings of columns that are no tags.

    Raises:
        BadSampleError: The table lacks a column or a name, names a tile twice, or has another value than 0 and 1 in a
            column that is a tag.
    """
    table = read_table(path, [heading for heading in (form.name_column, form.tag_column) if heading])
    flags = None if form.tag_column in table.header else find_flags(table, form.name_column, listed, no_tags)
    if flags is None:
        assert form.tag_column is not None
        names = _names(table, table.column(form.name_column, "name_column"))
        column = _tag_column(table, form.tag_column)
        tag_lists = [form.split(row.cells[column]) for row in table.rows]
        form = form._replace(separator=table.separator)
    else:
        names = _names(table, flags.name)
        tag_lists = read_flags(table, flags)
        form = TagForm(table.header[flags.name], None, table.separator, form.delimiter)
    lines = [row.line for row in table.rows]
    found = TagTable(
        *(table, form, dict(zip(names, tag_lists, strict=True)), dict(zip(names, lines, strict=True))),
        [] if flags is None else [table.header[column] for column in flags.tags],
    )
    _warn(found)
    return found


def _tag_column(table: Table, heading: str) -> int:
    try:
        return table.column(heading, "tag_column")
    except BadSampleError as error:
        raise BadSampleError(f"{error} If each tag is a column, its cells must be 0 or 1.") from error


def _names(table: Table, column: int) -> list[str]:
    """The names of the tiles, which are all there and all different."""
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        rows_of[row.cells[column]].append(row)
    if "" in rows_of:
        raise BadSampleError(
            f"{table.path}: line {rows_of[''][0].line}: expected a name in column {table.header[column]!r}, got none."
        )
    repeated = [name for name, rows in rows_of.items() if len(rows) > 1]
    if repeated:
        first, second, *_ = rows_of[repeated[0]]
        raise BadSampleError(
            f"{table.path}: expected each tile once, got {len(repeated)} repeated; the first is {repeated[0]!r} in "
            f"lines {first.line} and {second.line}; put all tags of a tile into one row."
        )
    return list(rows_of)


def _warn(found: TagTable) -> None:
    of_cells = [] if found.form.tag_column is None else split_wrongly(found.tags_of, found.form.delimiter)
    for text in [*of_cells, *of_no_tag(found.tags_of), *spelled_twice(found.tags_of)]:
        _warn_once(f"{found.path}: {text}")


@functools.cache  # a command may read a table several times, each time with its own filters of warnings
def _warn_once(text: str) -> None:
    warnings.warn(text, stacklevel=5)
