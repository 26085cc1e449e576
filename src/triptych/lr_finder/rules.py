"""The four rules that read a suggested rate from a curve.

Source: fastai 2.8, with the same names.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

_SLIDE_LAG, _SLIDE_SLOPE = 15, 0.005


def steep(rates: Curve, losses: Curve) -> float:
    """The rate where the loss falls fastest, per step of log rate.

    Args:
        rates: Rising, (N,) with N at least 2, as in all four rules.
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


Rule = Literal["steep", "minimum", "valley", "slide"]

RULES: dict[Rule, Callable[[Curve, Curve], float]] = {
    **{"steep": steep, "minimum": minimum, "valley": valley, "slide": slide}
}

DEFAULT_RULE: Rule = "minimum"
"""The rule with the lowest worst-case regret over the three panels; see `benchmarks/lr_rules.py`."""


def check_rule(rule: Rule) -> None:
    """Raises ValueError if the rule is unknown."""
    if rule not in RULES:
        raise ValueError(f"rule: expected one of {', '.join(RULES)}, got {rule!r}.")
