"""Texts in a table, with their labels and splits."""

from pathlib import Path
from typing import TypedDict

from triptych.datasets.sample import Split
from triptych.datasets.split_value import SPLIT_VALUES, split_of
from triptych.datasets.table import read_table
from triptych.errors import BadSampleError


class TextRecord(TypedDict):
    """One text.

    `text`; `path`, where it comes from, such as `texts.csv, row 12` or `reviews/1.txt`; `label`, None if it has none.
    """

    text: str
    path: str
    label: str | None


class TextRecords:
    """The texts of a table, in its order; rows count from 1 below the headings.

    Args:
        table: A table with a row a text; see `read_table`.
        text_column: Heading of the texts, without what surrounds them; see `stripped`.
        label_column: Heading of the labels; None reads none.
        split_column: Heading of a column that splits the texts: true or false, 1 or 0, yes or no (true validates), or
            train, valid or test; None reads none.

    Attributes:
        splits: The split of each text; empty without `split_column`.

    Raises:
        MissingDataError: The table does not exist.
        BadSampleError: It lacks a column, a text or a label is empty, or its values do not split the texts.
    """

    def __init__(
        self,
        table: Path,
        text_column: str = "text",
        label_column: str | None = "label",
        split_column: str | None = "is_valid",
    ) -> None:
        headings = {"text_column": text_column, "label_column": label_column, "split_column": split_column}
        wanted = {argument: heading for argument, heading in headings.items() if heading is not None}
        self._table = read_table(table, list(wanted.values()))
        columns = {argument: self._table.column(heading, argument) for argument, heading in wanted.items()}
        texts = self._cells(columns["text_column"], "a text")
        labels = self._cells(columns["label_column"], "a label") if label_column else [None] * len(texts)
        self.records = [
            TextRecord(text=text, path=f"{table.name}, row {row}", label=label)
            for row, (text, label) in enumerate(zip(texts, labels, strict=True), 1)
        ]
        self.splits: list[Split] = self._read_splits(columns["split_column"]) if split_column else []

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> TextRecord:
        """A text with its path and label."""
        return self.records[index]

    def of(self, split: Split) -> list[TextRecord]:
        """The texts of one split; available with `split_column`."""
        return [record for record, its in zip(self.records, self.splits, strict=True) if its == split]

    def _cells(self, column: int, expected: str) -> list[str]:
        """The cells of a column, none of them empty."""
        cells = [row.cells[column] for row in self._table.rows]
        if "" in cells:
            first = cells.index("")
            raise BadSampleError(
                f"{self._place(first)}: expected {expected} in column {self._table.header[column]!r}, got none, and so "
                f"in {cells.count('')} of {len(cells)} rows; complete or remove them."
            )
        return cells

    def _read_splits(self, column: int) -> list[Split]:
        values = [row.cells[column] for row in self._table.rows]
        splits = {value: split_of(value) for value in values}
        where = f"in column {self._table.header[column]!r}"
        for value, split in splits.items():
            if split is None:
                raise BadSampleError(
                    f"{self._place(values.index(value))}: expected {SPLIT_VALUES} {where}, got {value!r}."
                )
        for split, purpose in (("train", "train on"), ("val", "validate")):
            if split not in splits.values():
                raise BadSampleError(
                    f"{self._table.path}: expected texts to {purpose} {where}, got only {', '.join(splits)} in "
                    f"{len(values)} rows; correct the column, or set valid_fraction."
                )
        return [split for value in values if (split := splits[value]) is not None]

    def _place(self, index: int) -> str:
        """Where a row stands, for an error: the line too, since a text may have several."""
        return f"{self._table.path}: row {index + 1} (line {self._table.rows[index].line})"
