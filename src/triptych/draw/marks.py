"""Points as marks on matplotlib axes, visible on both light and dark skin."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from triptych.draw.points import PREDICTED, TRUE, Color, Points


def draw_marks(axes: Axes, true_points: Points, points: Points) -> None:
    """Draws a ring around each true point, a cross on each predicted point, and a line between the two.

    Args:
        axes: In pixels of the image, from its top left corner.
        true_points: (y, x) of each true point in pixels.
        points: (y, x) of each predicted point in pixels; empty if nothing was predicted.
    """
    for (true_y, true_x), (y, x) in zip(true_points, points, strict=False):
        line = Line2D([true_x, x], [true_y, y], color="white", linewidth=1)
        line.set_path_effects([withStroke(linewidth=2.2, foreground="black")])
        axes.add_line(line)
    for y, x in true_points:
        axes.add_line(_ring([x], [y]))
    for y, x in points:
        axes.add_line(_cross([x], [y]))


def mark_keys(predicted: bool) -> list[tuple[Artist, str]]:
    """Handle and label of each mark, for a legend.

    Args:
        predicted: Whether predicted points are drawn too.
    """
    keys: list[tuple[Artist, str]] = [(_ring(), "true point")]
    return [*keys, (_cross(), "predicted point")] if predicted else keys


def _ring(x: Sequence[float] = (), y: Sequence[float] = ()) -> Line2D:
    return _mark(x, y, "o", TRUE, "black")


def _cross(x: Sequence[float] = (), y: Sequence[float] = ()) -> Line2D:
    return _mark(x, y, "+", PREDICTED, "white")


def _mark(x: Sequence[float], y: Sequence[float], marker: str, color: Color, rim: str) -> Line2D:
    mark = Line2D(
        x, y, linestyle="none", marker=marker, color=f"#{bytes(color).hex()}", markersize=9, markeredgewidth=1.6
    )
    mark.set(markerfacecolor="none", path_effects=[withStroke(linewidth=3.2, foreground=rim)])
    return mark
