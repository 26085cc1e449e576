"""Reads the curve of a range test."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from triptych.files import as_path, atomic_save
from triptych.lr_finder.figure import lr_curve
from triptych.lr_finder.rules import DEFAULT_RULE, RULES, Curve, Rule, check_rule

DEFAULT_RATE = 1e-3
"""The rate if neither the curve nor the model gives one."""
_BETA = 0.98
"""Decay of the exponential average of the loss."""
_DIVERGED = 4.0
"""The sweep ends if the smoothed loss exceeds its best by this factor."""
CURVE, PICTURE = "lr_find.json", "lr_find.png"
"""The files that `LRSearch.save` writes."""
_MIN_POINTS = 10
"""With fewer points a finite loss does not end the sweep, and the curve suggests nothing."""

_CLEAR_FALL = 4.0  # standard errors; flat noise of 10 to 200 points falls this far in less than 1% of the cases
_TINY_FALL = 1e-3  # of the loss


@dataclass(frozen=True)
class LRSearch:
    """The result of a range test.

    Args:
        rates: Learning rate of the optimizer's last group at each step.
        losses: Loss at each step; the last may be NaN or infinite.
        smoothed: Exponential average of the losses.
        suggestions: Rate by rule; empty if the curve suggests nothing.
        rule: The rule that `rate` follows.
        rate: The suggested rate, or the kept one if the curve suggests nothing.
        verdict: The result in one line.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestions: dict[Rule, float]
    rule: Rule
    rate: float
    verdict: str

    def smoothed_at(self, rate: float) -> float:
        """The smoothed loss at a rate of the sweep, interpolated."""
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
        """All fields as plain values; None stands for a loss that is NaN or infinite."""
        plain = asdict(self)
        for name in ("losses", "smoothed"):
            plain[name] = [loss if math.isfinite(loss) else None for loss in plain[name]]
        return plain

    @classmethod
    def load(cls, path: str | Path) -> "LRSearch":
        """Reads what `save` wrote.

        Args:
            path: An `lr_find.json`.
        """
        saved = json.loads(as_path(path).read_text(encoding="utf-8"))
        for name in ("losses", "smoothed"):
            saved[name] = [math.nan if loss is None else loss for loss in saved[name]]
        return cls(**saved)

    def save(self, folder: str | Path) -> None:
        """Writes `lr_find.json` and `lr_find.png` into a folder, which is created if it does not exist."""
        path, figure = as_path(folder), self.figure()
        path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        atomic_save(path / CURVE, lambda part: part.write_text(text, encoding="utf-8"))
        atomic_save(path / PICTURE, lambda part: figure.savefig(part))


def read_curve(
    rates: Sequence[float], losses: Sequence[float], rule: Rule = DEFAULT_RULE, kept: float = DEFAULT_RATE
) -> LRSearch:
    """Reads the rates that a curve suggests.

    Args:
        rates: Rising.
        losses: Loss at each rate; the first that is NaN or infinite ends the curve.
        rule: See `find_lr`.
        kept: The rate to keep if the curve suggests nothing.

    Raises:
        ValueError: The rule is unknown.
    """
    check_rule(rule)
    count = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    # as in fastai: without the first tenth, where the average is of few points, and the last 5, where the loss diverges
    read_points = slice(count // 10, count - min(5, count // 4))
    smoothed = smooth(losses)
    suggestions: dict[Rule, float] = {}
    if count < _MIN_POINTS:
        points = f"{count} point" if count == 1 else f"{count} points"
        why = " before the loss was NaN or infinite" if count < len(losses) else f", expected at least {_MIN_POINTS}"
        verdict = f"only {points}{why}: keep {kept:.1e}"
    elif is_flat(np.array(losses[read_points])):
        verdict = f"the curve is flat (or only rises): keep {kept:.1e}"
    else:
        curve = np.array(rates[read_points]), np.array(smoothed[read_points])
        suggestions = {name: suggest(*curve) for name, suggest in RULES.items()}
        verdict = f"{rule} suggests {suggestions[rule]:.1e}"
    return LRSearch(list(rates), list(losses), smoothed, suggestions, rule, suggestions.get(rule, kept), verdict)


def smooth(losses: Sequence[float]) -> list[float]:
    """Exponential average of the losses up to each step, corrected for its start at 0.

    Source: fastai, `AvgSmoothLoss`.
    """
    average, smoothed = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = _BETA * average + (1 - _BETA) * loss
        smoothed.append(average / (1 - _BETA**count))
    return smoothed


def has_diverged(losses: Sequence[float]) -> bool:
    """Whether the last loss is NaN or infinite, or the smoothed loss more than four times its best.

    If a loss is not above 0, its rise is compared with the range of the first ten losses instead.
    """
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < _MIN_POINTS:
        return False
    smoothed, first = smooth(losses), losses[:_MIN_POINTS]
    best = min(smoothed)
    scale = best if min(losses) > 0 else max(abs(best), max(first) - min(first))
    return smoothed[-1] > best + (_DIVERGED - 1) * scale


def is_flat(losses: Curve) -> bool:
    """Whether the losses never fall further than their noise explains.

    Compares the mean of the first quarter with the lowest mean of an eighth after it. The noise is estimated from
    neighbouring losses up to there, since the loss may diverge afterwards.

    Args:
        losses: Not smoothed, (N,) with N at least 6.
    """
    quarter, eighth = max(3, len(losses) // 4), max(3, len(losses) // 8)
    start = losses[:quarter].mean()
    means = np.convolve(losses[quarter:], np.ones(eighth) / eighth, "valid")
    lowest = int(means.argmin())
    noise = math.sqrt(np.square(np.diff(losses[: quarter + lowest + eighth])).mean() / 2)
    explained = _CLEAR_FALL * noise * math.sqrt(1 / quarter + 1 / eighth)
    return bool(start - means[lowest] <= explained + _TINY_FALL * abs(start))
