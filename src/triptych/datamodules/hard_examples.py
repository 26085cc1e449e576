"""Learning from mistakes: a table of losses, to relabel by and to draw the hard training samples oftener.

The table is a CSV file, worst first: `path` (or `name`), `loss`, and `wrong`, what was wrong, which may be missing.
A training sample is drawn in proportion to its loss over the mean, never less than a quarter and never more than four
times as often as one without a row.
"""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lightning.pytorch.utilities import rank_zero_warn

from triptych.errors import BadSampleError, MissingDataError
from triptych.files import save_csv

LEAST, MOST = 0.25, 4.0
"""Bounds of a weight: no sample is drawn never, and none all the time."""
_EXPECTED = "expected a CSV file with the columns path (or name) and loss"


class HasLoss(Protocol):
    """A sample's file, its loss, and in words what was wrong with the prediction."""

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
    """Writes the table, worst first, whole or not at all; folders are made where they are not there.

    Args:
        path: The CSV file.
        rows: In any order, such as those of `top_losses`.

    Raises:
        ValueError: A loss is no finite number, or negative.
    """
    target = Path(path)
    table = [LossRow(str(row.path), _checked_loss(target, str(row.path), row.loss), str(row.wrong)) for row in rows]
    table.sort(key=lambda row: -row.loss)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_csv(target, LossRow._fields, table)


def read_losses(path: str | Path) -> list[LossRow]:
    """The rows of a table in their order.

    Raises:
        MissingDataError: The file is not there.
        BadSampleError: It is no such table, or a loss is no finite number, or negative.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingDataError(f"{source}: no such file; {_EXPECTED}.")
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            headings, rows = reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadSampleError(f"{source}: {_EXPECTED}, got a file that is no text.") from error
    named = next((heading for heading in ("path", "name") if heading in headings), None)
    if named is None or "loss" not in headings:
        raise BadSampleError(f"{source}: {_EXPECTED}, got the columns {', '.join(headings) or 'none'}.")
    return [LossRow(*_cells(source, number, row, named)) for number, row in enumerate(rows, start=1)]


def weights_of(path: str | Path, samples: Sequence[Path], root: Path) -> list[float] | None:
    """How often each training sample is to be drawn, by a table of losses.

    The weight is the loss over the mean loss, within `LEAST` and `MOST`; 1 without a row. In the mean, a sample without
    a row counts with the least loss of those that have one, so that a table of the worst alone brings them forward.

    Args:
        path: The table. A row names a sample by its file name (with or without suffix) or by a path, of which as many
            folders must agree as are given, but none from `root` on upwards.
        samples: Files of the training samples.
        root: Folder of the data set.

    Returns:
        A weight for each sample; None where no row names one of them. A warning counts the rows that do not.

    Raises:
        MissingDataError: The table is not there.
        BadSampleError: It is none; see `read_losses`.
        ValueError: A row may mean several samples, or two rows mean one.
    """
    rows = read_losses(path)
    losses = _losses_by_index(Path(path), rows, samples, root)
    if not losses:
        return None
    rest = (len(samples) - len(losses)) * min(losses.values())
    mean = (sum(losses.values()) + rest) / len(samples)
    return [_bounded(losses[index] / mean) if index in losses and mean > 0 else 1.0 for index in range(len(samples))]


def _losses_by_index(path: Path, rows: Sequence[LossRow], samples: Sequence[Path], root: Path) -> dict[int, float]:
    """The loss of each sample that a row names."""
    below = [sample.relative_to(root) if sample.is_relative_to(root) else sample for sample in samples]
    named: dict[str, list[int]] = {}
    for index, sample in enumerate(below):
        for name in {sample.name, sample.stem}:
            named.setdefault(name, []).append(index)
    losses: dict[int, float] = {}
    ignored: list[LossRow] = []
    for row in rows:
        meant = _meant(Path(row.path), named, below)
        if len(meant) > 1:
            raise ValueError(
                f"{path}: {row.path} may be {below[meant[0]]} or {below[meant[1]]}; name the sample with its folder."
            )
        if not meant:
            ignored.append(row)
        elif meant[0] in losses:
            raise ValueError(f"{path}: expected each sample once, got {below[meant[0]]} twice.")
        else:
            losses[meant[0]] = row.loss
    if ignored:
        rank_zero_warn(
            f"{path}: {len(ignored)} of {len(rows)} rows name no training sample and are ignored; "
            f"the first is {ignored[0].path}."
        )
    return losses


def _meant(named: Path, by_name: Mapping[str, Sequence[int]], samples: Sequence[Path]) -> list[int]:
    """The samples that a path may mean: those of its name in whose folders it agrees."""

    def folders(path: Path) -> Iterator[str]:
        return reversed(path.parts[:-1])

    return [
        index
        for index in by_name.get(named.name, ())
        if all(one == other for one, other in zip(folders(named), folders(samples[index]), strict=False))
    ]


def _cells(source: Path, number: int, row: Mapping[str, Any], named: str) -> tuple[str, float, str]:
    """Path, loss and what was wrong, of row `number`."""
    path = row[named]
    if not path:
        raise BadSampleError(f"{source}: expected a {named} in each row, got none in row {number}.")
    return path, _checked_loss(source, path, row["loss"]), row.get("wrong") or ""


def _checked_loss(source: Path, path: str, loss: Any) -> float:
    """`loss` as a number.

    Raises:
        BadSampleError: It is no finite number, or negative.
    """
    try:
        number = float(loss)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise BadSampleError(f"{source}: expected a loss of at least 0 for {path}, got {loss or 'none'}.")
    return number


def _bounded(weight: float) -> float:
    return min(MOST, max(LEAST, weight))
