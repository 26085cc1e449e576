"""Points as marks on a picture's axes, readable on light and dark skin alike."""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from triptych.draw.points import PREDICTED, TRUE, Color, Points


def draw_marks(axes: Axes, true_points: Points, points: Points) -> None:
    """A ring around each true point, a cross on each predicted one, and a line between the two of a pair.

    Args:
        axes: Counts pixels of the picture from its top left corner.
        true_points: (y, x) of each true point in pixels.
        points: The same of the predicted ones; none where nothing was predicted.
    """
    for (true_y, true_x), (y, x) in zip(true_points, points, strict=False):
        link = Line2D([true_x, x], [true_y, y], color="white", linewidth=1)
        link.set_path_effects([withStroke(linewidth=2.2, foreground="black")])
        axes.add_line(link)
    for y, x in true_points:
        axes.add_line(_ring([x], [y]))
    for y, x in points:
        axes.add_line(_cross([x], [y]))


def mark_keys(predicted: bool) -> list[tuple[Artist, str]]:
    """What the marks of a legend mean.

    Args:
        predicted: Whether there are predicted points too.
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
