"""A figure of the errors by point."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.figure import NotebookFigure
from triptych.draw.points import PREDICTED
from triptych.draw.text import FONT, INK

_BAR, _MIN_HEIGHT = 0.24, 3.6  # inches
_PT, _NUMBER_PT = 9, 7.5


def point_errors(errors_px: Tensor, support: Tensor, point_names: Sequence[str]) -> Figure:
    """A bar for each point that some image has: its mean error in pixels, the largest on top.

    Args:
        errors_px: Mean error of each point in pixels (P,).
        support: Number of images in which the point is known (P,).
        point_names: Names of the points.

    Raises:
        ValueError: No point is known.
    """
    if not support.any():
        raise ValueError("plot_confusion: expected known points in the validation images, found none.")
    order = [i for i in errors_px.nan_to_num(-1).argsort(descending=True, stable=True).tolist() if support[i]]
    figure = NotebookFigure(figsize=(8, max(_MIN_HEIGHT, _BAR * len(order) + 1)), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="mean error in pixels of the original images")
    bars = axes.barh(range(len(order)), errors_px[order].numpy(), 0.8, color=f"#{bytes(PREDICTED).hex()}")
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=_NUMBER_PT, color=INK, family=FONT)
    names = [f"{point_names[i]}  {support[i]}" for i in order]
    axes.yaxis.set_ticks(range(len(names)), names, fontsize=_PT, color=INK, family=FONT, parse_math=False)
    axes.yaxis.set_tick_params(length=0)
    axes.set_ylabel("point, with its number of images")
    axes.margins(x=0.08, y=0.01)
    axes.set_xlim(left=0)
    axes.invert_yaxis()
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    return figure
