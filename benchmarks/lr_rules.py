"""Which rule of the learning-rate finder suggests the rate that trains best?

Reads what `--collect` measured, so that rules are compared without training: for each case and seed the curve of a
search, the losses of a race's trials, and the losses on held-out samples after short one-cycle fits at a grid of rates.
Between two rates of the grid the loss is interpolated over the logarithm of the rate. A fit that gains nothing, or ends
with NaN, counts with the loss before training; of several seeds losses and regrets are averaged.

    regret of a rule = (loss at its rate - best loss) / (loss before - best loss)

Prints a Markdown table; `docs/lr_rules.md` shows one.

python benchmarks/lr_rules.py [FOLDER] [--only WORD] [--picture FILE]     compares, in seconds
python benchmarks/lr_rules.py [FOLDER] --collect --real DIR               trains what is missing; it goes on if stopped
"""

import argparse
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, median

import numpy as np
from lr_cases import END, SEARCH_STEPS, START, Record, collect, is_missing, keys
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from triptych.lr_finder import RULES
from triptych.lr_finder.race import raced
from triptych.lr_finder.rules import RACE

SHOWN = (*RULES, RACE)
CURVES = Path(__file__).with_name("lr_curves")
HALVES = ("the half for finding", "the half for judging")
SHOWN_WORST = 0.5
"""Regret of the picture's darkest colour."""


@dataclass(frozen=True)
class Case:
    """A case with its seeds.

    Args:
        records: What was measured, for each seed.
    """

    records: Sequence[Record]

    @property
    def name(self) -> str:
        """Task, data, state, encoder and image size."""
        return self.records[0].case

    @cached_property
    def before(self) -> float:
        """Loss before training."""
        return fmean(record.before for record in self.records)

    @cached_property
    def losses(self) -> Mapping[float, float]:
        """Loss after a fit, by rate."""
        rates = self.records[0].fits
        return {rate: fmean(counted(record.fits[rate], record.before) for record in self.records) for rate in rates}

    @property
    def best(self) -> float:
        """The rate with the lowest loss."""
        return min(self.losses, key=self.losses.__getitem__)

    def regret(self, rate: float) -> float:
        """What a fit at `rate` loses, as a fraction of what the best fit gained; 0 if no fit gained anything."""
        rates, losses = [START, *self.losses, END], [self.before, *self.losses.values(), self.before]
        loss = float(np.interp(math.log(rate), np.log(rates), losses))
        gain = self.before - self.losses[self.best]
        return (loss - self.losses[self.best]) / gain if gain > 0 else 0.0

    def regrets(self, rule: str) -> list[float]:
        """The regret of a rule for each seed's search."""
        return [self.regret(suggested(record)[rule]) for record in self.records]

    def mean_regret(self, rule: str) -> float:
        """The regret of a rule in this case: the mean over its seeds."""
        return fmean(self.regrets(rule))

    def row(self) -> str:
        """A row of the table: for each rule the regret of each seed."""
        cells = [", ".join(f"{regret:.0%}" for regret in self.regrets(rule)) for rule in SHOWN]
        return _row(self.name, f"{self.best:.1e}", *cells)


def counted(loss: float, before: float) -> float:
    """The loss after a fit, or the one before if the fit gained nothing or ended with NaN."""
    return min(loss, before) if math.isfinite(loss) else before


def suggested(record: Record) -> dict[str, float]:
    """The rate of each rule; that which the search keeps if its curve suggests nothing."""
    search, trials = record.searched, iter(record.trials)
    of_curve = search.suggestions or dict.fromkeys(RULES, search.rate)
    return {**of_curve, RACE: raced(search, lambda _: next(trials), SEARCH_STEPS).rate}


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """The half on which a rule is found, and the one on which it is judged: like the colours of a chess board.

    Of two cases that differ in one thing, such as the encoder, one is in either half.
    """
    of_case = {key.case: key for key in keys()}
    found: tuple[list[Case], list[Case]] = ([], [])
    for case in cases:
        found[of_case[case.name].colour].append(case)
    return found


def summary(cases: Sequence[Case], heading: str) -> list[str]:
    """Rows of the table: the median and the worst regret of each rule, the worst of a search, and the seeds' spread.

    A case counts with the mean over its seeds. Their spread is the median difference between the best and the worst.
    """
    regrets = [[case.regrets(rule) for case in cases] for rule in SHOWN]
    means = [list(map(fmean, of_rule)) for of_rule in regrets]
    spreads = [[max(case) - min(case) for case in of_rule if len(case) > 1] for of_rule in regrets]
    rows = {"median": map(_percent(median), means), "worst": map(_percent(max), means)}
    rows["worst search"] = map(_percent(max), (list(itertools.chain(*of_rule)) for of_rule in regrets))
    rows["spread of seeds"] = map(_percent(median), spreads)
    return [_row(f"**{name}** of {heading}", "", *cells) for name, cells in rows.items()]


def _percent(function: Callable[[list[float]], float]) -> Callable[[list[float]], str]:
    return lambda values: f"{function(values):.0%}" if values else "-"


def least_worst(cases: Sequence[Case], rules: Iterable[str] = RULES) -> str:
    """The rule with the smallest worst regret; of equal ones, as where all keep the model's rate, the smaller mean."""
    regrets = {rule: [case.mean_regret(rule) for case in cases] for rule in rules}
    return min(regrets, key=lambda rule: (max(regrets[rule]), fmean(regrets[rule])))


def picture(cases: Sequence[Case]) -> Figure:
    """A heat map: mean regret over the seeds, of each case and rule."""
    regrets = np.array([[case.mean_regret(rule) for rule in SHOWN] for case in cases])
    figure = Figure(figsize=(7, 1.4 + 0.22 * len(cases)), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(regrets, cmap="cividis_r", vmin=0, vmax=SHOWN_WORST, aspect="auto")
    axes.set_xticks(range(len(SHOWN)), SHOWN, fontsize=8)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(cases)), [case.name for case in cases], fontsize=7)
    for (row, column), regret in np.ndenumerate(regrets):
        color = "white" if regret > 0.5 * SHOWN_WORST else "black"
        axes.text(column, row, f"{regret:.0%}", ha="center", va="center", fontsize=7, color=color)
    figure.colorbar(image, label="regret", extend="max", format=PercentFormatter(1, decimals=0))
    return figure


def read(folder: Path, only: str = "") -> list[Case]:
    """The cases of a folder whose names contain `only`, in the order in which they are collected.

    What is not yet measured whole is left out.
    """
    records: dict[str, list[Record]] = {}
    for key in keys():
        if only in key.case and not is_missing(path := folder / key.file):
            records.setdefault(key.case, []).append(Record.load(path))
    return [Case(of_case) for of_case in records.values()]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=CURVES, help="the measured cases; lr_curves beside this"
    )
    parser.add_argument("--collect", action="store_true", help="train what is missing, which takes hours")
    parser.add_argument("--real", metavar="DIR", type=Path, default=Path(), help="holds camvid, biwi and planet")
    parser.add_argument("--only", metavar="WORD", default="", help="only cases with this in their name, such as camvid")
    parser.add_argument("--picture", metavar="FILE", type=Path, help="draw the regrets of all cases and rules")
    return parser.parse_args()


def main() -> None:
    options = _options()
    if options.collect:
        collect(options.folder, options.real, options.only)
    cases = read(options.folder, options.only)
    by_name = sorted(cases, key=lambda case: case.name)
    print(_row("case", "best rate", *SHOWN))
    print(_row(*["---"] * (2 + len(SHOWN))))
    print("\n".join(case.row() for case in by_name))
    for heading, some in zip(("all", *HALVES), (cases, *halves(cases)), strict=True):
        print("\n".join(summary(some, heading)))
    if cases:
        print(f"\nsmallest worst regret: {least_worst(cases)}")
    if options.picture:
        picture(by_name).savefig(options.picture)


if __name__ == "__main__":
    main()
