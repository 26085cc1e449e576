"""What the curve of a range test says."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from triptych.files import atomic_save
from triptych.lr_finder.figure import lr_curve
from triptych.lr_finder.rules import DEFAULT_RULE, RULES, Curve, Rule, check_rule

DEFAULT_RATE = 1e-3
"""Kept where neither the curve nor the model names one."""
BETA = 0.98
"""Share of its past that the smoothed loss keeps in a step."""
TOO_HIGH = 4.0
"""The sweep ends where the smoothed loss is so many times its best."""
CURVE, PICTURE = "lr_find.json", "lr_find.png"
"""What a search saves in its folder."""
LEAST_POINTS = 10
"""Fewer neither end a sweep nor make a curve."""

_CLEAR_FALL = 4.0  # standard errors: flat noise of 10 to 200 points falls so far in less than 1% of the cases
_TINY_FALL = 1e-3  # of the loss


@dataclass(frozen=True)
class LRSearch:
    """What a range test found.

    Args:
        rates: Of the optimizer's last group, one for each of its steps.
        losses: Loss of each step; the last may not be a finite number.
        smoothed: The same, averaged exponentially.
        suggestions: Rate by rule; empty where the curve tells nothing.
        rule: The rule that was asked for.
        rate: What it suggests, or the rate kept where the curve tells nothing.
        verdict: The same in one line.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestions: dict[Rule, float]
    rule: Rule
    rate: float
    verdict: str

    def smoothed_at(self, rate: float) -> float:
        """The smoothed loss at a rate within the sweep."""
        finite = np.isfinite(self.smoothed)
        rates, smoothed = np.array(self.rates)[finite], np.array(self.smoothed)[finite]
        return float(np.interp(math.log(rate), np.log(rates), smoothed))

    def table(self) -> Table:
        """What each rule suggests, for the terminal."""
        table = Table(title=self.verdict, title_justify="left", min_width=len(self.verdict))
        table.add_column("rule")
        for heading in ("rate", "smoothed loss"):
            table.add_column(heading, justify="right")
        for name, rate in self.suggestions.items():
            used = name == self.rule
            row = (f"{name} (used)" if used else name, f"{rate:.1e}", f"{self.smoothed_at(rate):.4g}")
            table.add_row(*row, style="bold" if used else None)
        if not self.suggestions:
            table.add_row("none (rate kept)", f"{self.rate:.1e}", "-", style="bold")
        return table

    def figure(self) -> Figure:
        """The curve with the suggestions on it."""
        marks: dict[str, tuple[float, float]] = {
            name: (rate, self.smoothed_at(rate)) for name, rate in self.suggestions.items()
        }
        return lr_curve(self.rates, self.losses, self.smoothed, marks, self.rule, self.verdict)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values; None stands for a loss that is not a finite number."""
        plain = asdict(self)
        for name in ("losses", "smoothed"):
            plain[name] = [loss if math.isfinite(loss) else None for loss in plain[name]]
        return plain

    @classmethod
    def load(cls, path: str | Path) -> "LRSearch":
        """What `save` wrote.

        Args:
            path: An `lr_find.json`.
        """
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
        for name in ("losses", "smoothed"):
            saved[name] = [math.nan if loss is None else loss for loss in saved[name]]
        return cls(**saved)

    def save(self, folder: str | Path) -> None:
        """Writes `lr_find.json` and `lr_find.png` into a folder, which is made where it is not there."""
        place, figure = Path(folder), self.figure()
        place.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        atomic_save(place / CURVE, lambda half: half.write_text(text, encoding="utf-8"))
        atomic_save(place / PICTURE, lambda half: figure.savefig(half))


def read_curve(
    rates: Sequence[float], losses: Sequence[float], rule: Rule = DEFAULT_RULE, kept: float = DEFAULT_RATE
) -> LRSearch:
    """What a curve suggests.

    Args:
        rates: Rising.
        losses: Of each rate; the first that is not a finite number ends the curve.
        rule: See `find_lr`.
        kept: The rate where the curve tells nothing.

    Raises:
        ValueError: There is no such rule.
    """
    check_rule(rule)
    count = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    # as in fastai without the first tenth, where the average has seen little, and the last 5, where the loss runs away
    kept_points = slice(count // 10, count - min(5, count // 4))
    smoothed = smooth(losses)
    suggestions: dict[Rule, float] = {}
    if count < LEAST_POINTS:
        points = f"{count} point" if count == 1 else f"{count} points"
        why = "before the loss was not a number" if count < len(losses) else f"of at least {LEAST_POINTS}"
        verdict = f"only {points} {why}: keep {kept:.1e}"
    elif is_flat(np.array(losses[kept_points])):
        verdict = f"the curve is flat (or only rises): keep {kept:.1e}"
    else:
        curve = np.array(rates[kept_points]), np.array(smoothed[kept_points])
        suggestions = {name: suggest(*curve) for name, suggest in RULES.items()}
        verdict = f"{rule} suggests {suggestions[rule]:.1e}"
    return LRSearch(list(rates), list(losses), smoothed, suggestions, rule, suggestions.get(rule, kept), verdict)


def smooth(losses: Sequence[float]) -> list[float]:
    """The exponential average of the losses up to each, without the bias towards its start at zero.

    Source: fastai, `AvgSmoothLoss`.
    """
    average, smoothed = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = BETA * average + (1 - BETA) * loss
        smoothed.append(average / (1 - BETA**count))
    return smoothed


def has_run_away(losses: Sequence[float]) -> bool:
    """Whether the last loss is not a finite number, or the smoothed loss is four times its best.

    Where a loss is not above zero, and four times the best says nothing, its rise is measured by the range of the
    first ten instead.
    """
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < LEAST_POINTS:
        return False
    smoothed, first = smooth(losses), losses[:LEAST_POINTS]
    best = min(smoothed)
    scale = best if min(losses) > 0 else max(abs(best), max(first) - min(first))
    return smoothed[-1] > best + (TOO_HIGH - 1) * scale


def is_flat(losses: Curve) -> bool:
    """Whether the losses nowhere fall further than their noise explains.

    Compares the mean of the first quarter with the lowest mean of an eighth after it; the noise is that between
    neighbours up to there, since what follows may be the divergence.

    Args:
        losses: As they came, not smoothed; at least 6.
    """
    quarter, eighth = max(3, len(losses) // 4), max(3, len(losses) // 8)
    before = losses[:quarter].mean()
    means = np.convolve(losses[quarter:], np.ones(eighth) / eighth, "valid")
    lowest = int(means.argmin())
    noise = math.sqrt(np.square(np.diff(losses[: quarter + lowest + eighth])).mean() / 2)
    doubt = _CLEAR_FALL * noise * math.sqrt(1 / quarter + 1 / eighth)
    return bool(before - means[lowest] <= doubt + _TINY_FALL * abs(before))
