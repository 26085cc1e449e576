"""The rules that read a suggested rate from a curve.

Source of all but `consensus`: fastai 2.8, with the same names.
"""

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

_SLIDE_LAG, _SLIDE_SLOPE = 15, 0.005


def steep(rates: Curve, losses: Curve) -> float:
    """The rate where the loss falls fastest, per step of log rate.

    Args:
        rates: Rising, (N,) with N at least 2, as in all rules.
        losses: Smoothed, (N,).
    """
    return float(rates[np.argmin(np.diff(losses) / np.diff(np.log(rates)))])


def minimum(rates: Curve, losses: Curve) -> float:
    """A tenth of the rate where the loss is lowest."""
    return float(rates[np.argmin(losses)]) / 10


def valley(rates: Curve, losses: Curve) -> float:
    """The middle of the longest valley: halfway down the longest falling subsequence of losses.

    As in fastai the width of the valley is the number of points of the subsequence.
    """
    lengths = np.ones(len(losses), dtype=np.int64)
    for i in range(1, len(losses)):
        lengths[i] += np.where(losses[:i] > losses[i], lengths[:i], 0).max()
    end = int(lengths.argmax())
    width = int(lengths[end])
    return float(rates[max(end - width + width // 3 + width // 6, 0)])


def slide(rates: Curve, losses: Curve) -> float:
    """The left end of a window that slides down from the highest rates until the slopes at its ends agree.

    Slopes are per point; the window spans 15 points, or all if there are fewer.
    """
    slopes = np.gradient(losses)
    lag = min(_SLIDE_LAG, len(losses) - 1)
    similar = np.flatnonzero(abs(slopes[lag:] - slopes[:-lag]) <= _SLIDE_SLOPE)
    return float(rates[min(similar[-1] + 1, len(losses) - 1 - lag) if len(similar) else 0])


def consensus(rates: Curve, losses: Curve) -> float:
    """The second lowest of what the other four rules suggest.

    Each of the four fails alone on some curves, so the outermost two are left out; of the middle two the lower one is
    safer, since a rate that is too high costs more than one that is as much too low.
    """
    return sorted(rule(rates, losses) for rule in (steep, minimum, valley, slide))[1]


Rule = Literal["steep", "minimum", "valley", "slide", "consensus", "race"]

RULES: dict[Rule, Callable[[Curve, Curve], float]] = {
    "steep": steep,
    "minimum": minimum,
    "valley": valley,
    "slide": slide,
    "consensus": consensus,
}
"""The rules that need nothing but a curve."""

RACE: Rule = "race"
"""The rule that trains: see `triptych.lr_finder.race`."""

DEFAULT_RULE: Rule = "consensus"
"""The rule of a curve with the lowest worst-case regret; see `docs/lr_rules.md`."""


def check_rule(rule: Rule, known: Iterable[Rule] = RULES) -> None:
    """Raises ValueError if the rule is not one of `known`."""
    if rule not in known:
        raise ValueError(f"rule: expected one of {', '.join(known)}, got {rule!r}.")
