"""Figure of a range test: the curve and the suggested rates."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from triptych.draw.figure import NotebookFigure

_MARKS = {
    "steep": ("#D55E00", "v"),
    "minimum": ("#009E73", "s"),
    "valley": ("#CC79A7", "o"),
    "slide": ("#E69F00", "D"),
    "consensus": ("#56B4E9", "P"),
    "race": ("#F0E442", "*"),
}
"""Colour (from Okabe and Ito's palette for the colour-blind) and shape of each rule's mark."""
_DEFAULT_MARK = ("#999999", "X")
_LINE = "#0072B2"
_BELOW, _ABOVE = 0.1, 0.3  # margins around the curve before it diverges, as fractions of its height
_MIN_SHOWN = 10  # points


def lr_curve(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestions: Mapping[str, tuple[float, float]],
    used: str,
    title: str,
) -> Figure:
    """Plots raw losses (faint) and smoothed losses (bold) over the rate, with a mark for each rule's suggestion.

    Args:
        rates: Rising, (N,) with N at least 0.
        losses: Loss at each rate, (N,); the last may be NaN or infinite.
        smoothed: Exponential average of the losses, (N,).
        suggestions: For each rule its rate and the smoothed loss there.
        used: The rule whose mark is larger.
        title: Title of the figure.
    """
    figure = NotebookFigure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="learning rate", ylabel="loss", title=title)
    axes.grid(alpha=0.25)
    axes.plot(rates, losses, color=_LINE, alpha=0.3, linewidth=1, label="each step")
    axes.plot(rates, smoothed, color=_LINE, linewidth=2, label="smoothed")
    for rule, (rate, loss) in suggestions.items():
        color, shape = _MARKS.get(rule, _DEFAULT_MARK)
        label = f"{rule} {rate:.1e}" + (" (used)" if rule == used else "")
        size = 11 if rule == used else 8
        axes.plot([rate], [loss], shape, color=color, markersize=size, markeredgecolor="black", label=label)
    limits = _limits(losses, smoothed)
    if limits is not None:
        axes.set_ylim(limits)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _limits(losses: Sequence[float], smoothed: Sequence[float]) -> tuple[float, float] | None:
    """Lowest and highest loss to show; the highest ignores the divergence after the best loss."""
    finite_losses, finite_smoothed = (np.array(values)[np.isfinite(values)] for values in (losses, smoothed))
    if len(finite_losses) < 2:
        return None
    shown = max(int(finite_smoothed.argmin()) + 1, len(finite_smoothed) // 2, _MIN_SHOWN)
    low = finite_losses.min()
    high = max(np.percentile(finite_losses[:shown], 98), finite_smoothed[:shown].max())
    height = (high - low) or abs(high) or 1.0
    return float(low - _BELOW * height), float(high + _ABOVE * height)
