"""Learning from mistakes: a table of losses, for relabelling and for drawing hard training samples more often.

The table is a CSV file, highest loss first: `path` (or `name`), `loss` and, optionally, `wrong`: what was wrong.
A training sample is drawn in proportion to its loss over the mean, but at least a quarter and at most four times as
often as a sample without a row.
"""

import csv
import io
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lightning.pytorch.utilities import rank_zero_warn

from triptych.datasets.text import read_text
from triptych.errors import BadSampleError, MissingDataError
from triptych.files import as_path, save_csv

_MIN_WEIGHT, MAX_WEIGHT = 0.25, 4.0
"""Bounds of a weight: each sample may be drawn, and none fills an epoch."""
_EXPECTED = "expected a CSV file with the columns path (or name) and loss"


class HasLoss(Protocol):
    """Path of a sample, its loss, and a description of what was wrong with the prediction."""

    @property
    def path(self) -> str: ...

    @property
    def loss(self) -> float: ...

    @property
    def wrong(self) -> str: ...


class LossRow(NamedTuple):
    """A row of the table; see `HasLoss`."""

    path: str
    loss: float
    wrong: str = ""


def write_losses(path: str | Path, rows: Iterable[HasLoss]) -> None:
    """Writes the table atomically, highest loss first; missing folders are created.

    Args:
        path: The CSV file.
        rows: Rows in any order, such as those of `top_losses`.

    Raises:
        ValueError: A loss is not a finite number, or negative.
    """
    target = as_path(path)
    table = [LossRow(str(row.path), _checked_loss(target, str(row.path), row.loss), str(row.wrong)) for row in rows]
    table.sort(key=lambda row: -row.loss)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_csv(target, LossRow._fields, table)


def read_losses(path: str | Path) -> list[LossRow]:
    """Reads the rows of a table, in their order.

    Raises:
        MissingDataError: The file does not exist.
        BadSampleError: It is not such a table, or a loss is not a finite number, or negative.
    """
    source = as_path(path)
    if not source.is_file():
        raise MissingDataError(f"{source}: no such file; {_EXPECTED}.")
    try:
        reader = csv.DictReader(io.StringIO(read_text(source), newline=""))
        headings, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:
        raise BadSampleError(f"{source}: {_EXPECTED}, got a file that is not text.") from error
    path_column = next((heading for heading in ("path", "name") if heading in headings), None)
    if path_column is None or "loss" not in headings:
        raise BadSampleError(f"{source}: {_EXPECTED}, got the columns {', '.join(headings) or 'none'}.")
    return [LossRow(*_cells(source, number, row, path_column)) for number, row in enumerate(rows, start=1)]


def weights_of(
    path: str | Path, samples: Sequence[Path], root: Path, apart: Collection[Path] = ()
) -> list[float] | None:
    """Weight of each training sample, by a table of losses: how often it is drawn, relative to the others.

    The weight is the loss over the mean loss, clipped to [0.25, 4]; it is 1 for a sample without a row. In the mean,
    such a sample counts with the lowest loss of the others, so that a table of the worst samples alone works too.

    Args:
        path: The table. A row names a sample by its file name (with or without suffix) or by a path, whose last folders
            must agree with the sample's folders below `root`.
        samples: Files of the training samples.
        root: Folder of the data set.
        apart: Files of samples that are weighed otherwise; rows with exactly these paths are passed over.

    Returns:
        Weight of each sample; None if no row names one of them. A warning counts the rows that name none.

    Raises:
        MissingDataError: The table does not exist.
        BadSampleError: It is not a table of losses; see `read_losses`.
        ValueError: A row may mean several samples, or two rows mean the same one.
    """
    others = {*map(str, apart)}
    rows = [row for row in read_losses(path) if row.path not in others]
    losses = _losses_by_index(as_path(path), rows, samples, root)
    if not losses:
        return None
    rest = (len(samples) - len(losses)) * min(losses.values())
    mean = (sum(losses.values()) + rest) / len(samples)
    return [_clipped(losses[index] / mean) if index in losses and mean > 0 else 1.0 for index in range(len(samples))]


def _losses_by_index(path: Path, rows: Sequence[LossRow], samples: Sequence[Path], root: Path) -> dict[int, float]:
    """Loss of each sample that a row names, by the index of the sample."""
    relative = [sample.relative_to(root) if sample.is_relative_to(root) else sample for sample in samples]
    by_name: dict[str, list[int]] = {}
    for index, sample in enumerate(relative):
        for name in {sample.name, sample.stem}:
            by_name.setdefault(name, []).append(index)
    losses: dict[int, float] = {}
    ignored: list[LossRow] = []
    for row in rows:
        found = _matching(Path(row.path), by_name, relative)
        if len(found) > 1:
            first, second, *_ = (relative[index] for index in found)
            raise ValueError(f"{path}: {row.path} may be {first} or {second}; name the sample with its folder.")
        if not found:
            ignored.append(row)
        elif found[0] in losses:
            raise ValueError(f"{path}: expected each sample once, got {relative[found[0]]} twice.")
        else:
            losses[found[0]] = row.loss
    if ignored:
        rank_zero_warn(
            f"{path}: {len(ignored)} of {len(rows)} rows name no training sample and are ignored; "
            f"the first is {ignored[0].path}."
        )
    return losses


def _matching(named: Path, by_name: Mapping[str, Sequence[int]], samples: Sequence[Path]) -> list[int]:
    """Indices of the samples that a path may mean: those with its name whose last folders agree."""

    def folders(path: Path) -> Iterator[str]:
        return reversed(path.parts[:-1])

    return [
        index
        for index in by_name.get(named.name, ())
        if all(one == other for one, other in zip(folders(named), folders(samples[index]), strict=False))
    ]


def _cells(source: Path, number: int, row: Mapping[str, Any], path_column: str) -> tuple[str, float, str]:
    """Path, loss and what was wrong, from row `number`."""
    path = row[path_column]
    if not path:
        raise BadSampleError(f"{source}: expected a {path_column} in each row, got none in row {number}.")
    return path, _checked_loss(source, path, row["loss"]), row.get("wrong") or ""


def _checked_loss(source: Path, path: str, loss: Any) -> float:
    """`loss` as a number.

    Raises:
        BadSampleError: It is not a finite number, or negative.
    """
    try:
        number = float(loss)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadSampleError(f"{source}: expected a loss of at least 0 for {path}, got {loss or 'none'}.")
    return number


def _clipped(weight: float) -> float:
    return min(MAX_WEIGHT, max(_MIN_WEIGHT, weight))
