"""Points as marks on matplotlib axes, visible on both light and dark skin."""

import math
from collections.abc import Sequence
from itertools import chain

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from triptych.draw.points import PREDICTED, TRUE, Color, Points, mark_scale

_GAP = (math.nan, math.nan)


def draw_marks(axes: Axes, true_points: Points, points: Points) -> None:
    """Draws a ring around each true point, a cross on each predicted point, and a line between the two.

    The marks of many points are smaller. A missing point, NaN, has neither ring nor line.

    Args:
        axes: In pixels of the image, from its top left corner.
        true_points: (y, x) of each true point in pixels.
        points: (y, x) of each predicted point in pixels; empty if nothing was predicted.
    """
    scale = mark_scale(max(len(true_points), len(points)))
    pairs = [*zip(true_points, points, strict=False)]
    if pairs:
        y, x = zip(*chain(*((true, predicted, _GAP) for true, predicted in pairs)), strict=True)
        line = Line2D(x[:-1], y[:-1], color="white", linewidth=scale)
        line.set_path_effects([withStroke(linewidth=2.2 * scale, foreground="black")])
        axes.add_line(line)
    for mark, places in ((_ring, true_points), (_cross, points)):
        if places:
            axes.add_line(mark([x for _, x in places], [y for y, _ in places], scale))


def mark_keys(predicted: bool) -> list[tuple[Artist, str]]:
    """Handle and label of each mark, for a legend.

    Args:
        predicted: Whether predicted points are drawn too.
    """
    keys: list[tuple[Artist, str]] = [(_ring(), "true point")]
    return [*keys, (_cross(), "predicted point")] if predicted else keys


def _ring(x: Sequence[float] = (), y: Sequence[float] = (), scale: float = 1) -> Line2D:
    return _mark(x, y, scale, "o", TRUE, "black")


def _cross(x: Sequence[float] = (), y: Sequence[float] = (), scale: float = 1) -> Line2D:
    return _mark(x, y, scale, "+", PREDICTED, "white")


def _mark(x: Sequence[float], y: Sequence[float], scale: float, marker: str, color: Color, rim: str) -> Line2D:
    mark = Line2D(x, y, linestyle="none", marker=marker, color=f"#{bytes(color).hex()}")
    mark.set(markersize=9 * scale, markeredgewidth=1.6 * scale, markerfacecolor="none")
    mark.set(path_effects=[withStroke(linewidth=3.2 * scale, foreground=rim)])
    return mark
