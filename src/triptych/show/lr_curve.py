"""The curve of a range test with the rates that it suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from triptych.show.figure import NotebookFigure

if TYPE_CHECKING:
    from triptych.lr_finder import LRSearch

MARKS = {
    **{"steep": ("#D55E00", "v"), "minimum": ("#009E73", "s"), "valley": ("#CC79A7", "o"), "slide": ("#E69F00", "D")}
}
"""Colour (Okabe and Ito's, which the colour-blind can tell apart) and shape of each rule's mark."""
_LINE = "#0072B2"
_BELOW, _ABOVE = 0.1, 0.3  # room around the curve before it runs away, in shares of its height
_LEAST_SHOWN = 10  # points


def lr_curve(search: LRSearch) -> Figure:
    """Raw losses faint, smoothed ones bold, over the rate; a mark and its rate for each rule, the verdict above.

    Args:
        search: A range test, however short.
    """
    figure = NotebookFigure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="learning rate", ylabel="loss", title=search.verdict)
    axes.grid(alpha=0.25)
    axes.plot(search.rates, search.losses, color=_LINE, alpha=0.3, linewidth=1, label="each step")
    axes.plot(search.rates, search.smoothed, color=_LINE, linewidth=2, label="smoothed")
    for rule, rate in search.suggestions.items():
        color, shape = MARKS[rule]
        used = rule == search.rule
        label = f"{rule} {rate:.1e}" + (" (used)" if used else "")
        place = ([rate], [search.smoothed_at(rate)])
        axes.plot(*place, shape, color=color, markersize=11 if used else 8, markeredgecolor="black", label=label)
    limits = _limits(search)
    if limits is not None:
        axes.set_ylim(limits)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _limits(search: LRSearch) -> tuple[float, float] | None:
    """Lowest and highest loss to show; for the highest those up to the best one count, not those that ran away."""
    losses, smoothed = (np.array(values)[np.isfinite(values)] for values in (search.losses, search.smoothed))
    if len(losses) < 2:
        return None
    shown = max(int(smoothed.argmin()) + 1, len(smoothed) // 2, _LEAST_SHOWN)
    low = losses.min()
    high = max(np.percentile(losses[:shown], 98), smoothed[:shown].max())
    height = (high - low) or abs(high) or 1.0
    return float(low - _BELOW * height), float(high + _ABOVE * height)
