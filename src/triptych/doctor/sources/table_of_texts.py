"""Texts and the table that holds them."""

from collections.abc import Iterator, Mapping
from functools import partial

from triptych.datamodules.imdb import IMDBDataModule
from triptych.datamodules.split import draw
from triptych.datasets.sample import Split
from triptych.datasets.split_value import SPLIT_VALUES, split_of
from triptych.datasets.table import Table, read_table
from triptych.doctor.attempts import Attempts
from triptych.doctor.findings import Finding, first_of
from triptych.doctor.inventory import Texts

Cells = Mapping[str, str]
"""A cell of each row, by the row's name."""


def texts_of_table(data: IMDBDataModule) -> Texts:
    """See `take_inventory`."""
    attempt = Attempts(data.root)
    headings = {"text_column": data.text_column, "label_column": data.label_column, "split_column": data.split_column}
    if data.mode == "lm":
        headings["label_column"] = None
    wanted = {argument: heading for argument, heading in headings.items() if heading is not None}
    table = attempt("table", data.table, lambda: read_table(data.table, [*wanted.values()]))
    cells: dict[str, Cells] = {}
    if table is not None:
        for argument, heading in wanted.items():
            kind = argument.replace("_", "-")
            cells[argument] = attempt(kind, data.table, partial(_column, table, heading, argument)) or {}
    texts, values = cells.get("text_column", {}), cells.get("split_column", {})
    splits = _drawn(texts, data) if data.split_column is None else _split(values)
    faults = [*attempt.faults(), *_odd_splits(values)]
    return Texts(data.root, "text", faults, splits, texts, cells.get("label_column", {}))


def _column(table: Table, heading: str, argument: str) -> Cells:
    column = table.column(heading, argument)
    return {f"{table.path.name}, row {number}": row.cells[column] for number, row in enumerate(table.rows, start=1)}


def _drawn(texts: Cells, data: IMDBDataModule) -> dict[Split, list[str]]:
    """The splits that `valid_fraction` draws."""
    if not texts or data.valid_fraction is None:
        return {}
    val = {*draw([*texts], data.valid_fraction, data.seed)}
    return {"train": [name for name in texts if name not in val], "val": [name for name in texts if name in val]}


def _split(values: Cells) -> dict[Split, list[str]]:
    """The splits that a column tells."""
    splits: dict[Split, list[str]] = {}
    for name, value in values.items():
        if (split := split_of(value)) is not None:
            splits.setdefault(split, []).append(name)
    return splits


def _odd_splits(values: Cells) -> Iterator[Finding]:
    odd = {name: repr(value) for name, value in values.items() if split_of(value) is None}
    if odd:
        message = f"{len(odd)} of {len(values)} texts: expected {SPLIT_VALUES}; {first_of(odd)}."
        yield Finding("error", "split-value", message, "correct the column, or set valid_fraction.", odd)
