"""The scores of a whole split, with the images that they are about and how far they may be chance."""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self, runtime_checkable

from rich.table import Table
from torch import Tensor

from triptych.metrics.bootstrap import LEVEL, RESAMPLES, score_interval
from triptych.metrics.image_counts import ImageCounts
from triptych.metrics.kept_images import KeptImages
from triptych.metrics.units import Groups, Units
from triptych.runs.checkpoint import SavedScores
from triptych.trainer.processes import gathered


@runtime_checkable
class HasSplits(Protocol):
    """Protocol of a data module of this package; see `TriptychDataModule`."""

    noun: str
    records: Mapping[str, Sized]

    def chosen_by(self, name: Any, /) -> str: ...

    def groups_of(self, paths: Sequence[str], /) -> Groups | None: ...


@dataclass(frozen=True)
class KeptCounts:
    """What was kept of each image of a split, and what scores a selection of them.

    Args:
        counts: What scores them.
        kept: What was kept of each, (N, K).
        paths: Path of each.
    """

    counts: ImageCounts
    kept: Tensor
    paths: Sequence[str]

    @classmethod
    def of(cls, images: KeptImages | None) -> Self | None:
        """Those of all processes, which all call it; None if nothing was kept.

        They are in the order of their paths, so that an interval depends on no number of processes.
        """
        paths = [] if images is None else [path for of_process in gathered(images.paths) for path in of_process]
        if images is None or not paths:
            return None
        order = sorted(range(len(paths)), key=paths.__getitem__)
        kept = images.compute()[order]
        images.reset()
        return cls(images.counts, kept, [paths[index] for index in order])


def images_of(data: object, split: str, images: KeptCounts | None, noun: str) -> tuple[str, Units]:
    """How the images of a split were chosen, in words, and the images.

    Args:
        data: The data module, if there is one.
        split: `"val"` or `"test"`.
        images: What was kept of each; None if single ones are not scored.
        noun: What an image of other data is called.
    """
    paths = () if images is None else images.paths
    if not isinstance(data, HasSplits):
        return "", Units(len(paths), noun)
    if images is None:
        return data.chosen_by(split), Units(len(data.records.get(split, ())), data.noun)
    return data.chosen_by(split), Units(len(paths), data.noun, data.groups_of(paths))


@dataclass(frozen=True)
class SplitScores:
    """The scores of a validation or a test.

    Args:
        split: `"val"` or `"test"`.
        how: How its images were chosen, such as `valid.txt`; empty if it is unknown.
        units: The images.
        values: Value of each score, by name.
        images: What was kept of each image; None if single ones are not scored.
        epoch: Number of the epoch that was trained, from 1; None outside of a fit.
    """

    split: str
    how: str
    units: Units
    values: Mapping[str, float]
    images: KeptCounts | None = None
    epoch: int | None = None

    @property
    def over(self) -> str:
        """What is scored, such as `valid.txt, 101 frames`; empty if it is unknown."""
        images = f"{self.units.count:,} {self.units.noun}s" if self.units.count else ""
        return ", ".join(filter(None, (self.how, images)))

    @property
    def title(self) -> str:
        """Split and images, such as `val (valid.txt, 101 frames)`."""
        return f"{self.split} ({self.over})" if self.over else self.split

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Bounds of the 95 % interval of each score that is computed from single images, by its name."""
        if self.images is None or not self.units.are_enough:
            return {}
        summands = self.units.sums(self.images.counts.summands(self.images.kept))
        bounds = zip(*(one.tolist() for one in score_interval(self.images.counts.scores, summands)), strict=True)
        return {
            name: bound for name, bound in zip(self.images.counts.names, bounds, strict=True) if name in self.values
        }

    @property
    def drawn(self) -> str:
        """What the draws of the intervals are of; empty without one."""
        return self.units.words if self.intervals else ""

    def table(self, best: SavedScores | None = None) -> Table:
        """Each score with its interval, and beside it that of another epoch of the same fit.

        Args:
            best: The scores of the best epoch; None if no other is known.
        """
        table = Table(title=self.title, title_justify="left", caption=draws_of(self.drawn), caption_justify="left")
        table.add_column("score")
        if best is None:
            heading = "value"
        elif (best.epoch, best.values) == (self.epoch, self.values):
            heading, best = f"last and best\nepoch {self.epoch}", None
        else:
            heading = f"last\nepoch {self.epoch}"
        table.add_column(heading, justify="right")
        if self.intervals:
            table.add_column(f"{LEVEL:.0%} interval", justify="right")
        if best is not None:
            table.add_column(f"best\nepoch {best.epoch}", justify="right")
        for name, value in self.values.items():
            interval = [between(value, self.intervals.get(name))] if self.intervals else []
            other = [] if best is None else [_number(best.values[name]) if name in best.values else ""]
            table.add_row(f"{self.split}/{name}", _number(value), *interval, *other)
        return table


def draws_of(drawn: str) -> str:
    """What intervals are, in words; see `SplitScores.drawn`."""
    return f"{LEVEL:.0%} interval: {RESAMPLES:,} draws of {drawn}" if drawn else ""


def between(value: float, interval: Sequence[float] | None) -> str:
    """The bounds of an interval with as many decimals as the value has in four digits; empty without one."""
    decimals = _number(value).partition(".")[2]
    form = f".{len(decimals)}f" if decimals.isdecimal() else "#.4g"
    return "" if interval is None else " to ".join(f"{bound:{form}}" for bound in interval)


def _number(value: float) -> str:
    return f"{value:#.4g}"
