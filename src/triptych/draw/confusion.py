"""Confusion figures: a matrix for classes; bars of true positives, false negatives and false positives for tags."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.figure import NotebookFigure
from triptych.draw.tags import MEANINGS
from triptych.draw.text import FONT, INK

_CELL, _BAR, _MIN_HEIGHT = 0.32, 0.24, 3.6  # inches
_PT, _NUMBER_PT = 9, 7.5
_MIN_SHOWN = 0.5
"""Lowest percentage that is written into its cell."""
_HATCHES = ("", "//", "..")


def class_confusion(counts: Tensor, class_names: Sequence[str], counted: str = "labelled pixels") -> Figure:
    """Confusion matrix: a row for each true class, in % of its pixels; a column for each predicted class.

    Args:
        counts: Number of pixels (C, C) by true and predicted class.
        class_names: Names of the classes.
        counted: What is counted if it is not pixels.

    Raises:
        ValueError: Nothing was counted.
    """
    if not counts.any():
        raise ValueError(f"plot_confusion: expected {counted} among the validation samples, found none.")
    rows = counts.sum(dim=1).nonzero().flatten().tolist()
    columns = (counts.sum(dim=0) + counts.sum(dim=1)).nonzero().flatten().tolist()
    row_totals = counts[rows].sum(dim=1, keepdim=True)
    percent = (100 * counts[rows][:, columns] / row_totals).numpy()
    support = (row_totals.flatten() / counts.sum()).tolist()
    size = _CELL * len(columns) + 3.6, max(_MIN_HEIGHT, _CELL * len(rows) + 2)
    figure = NotebookFigure(figsize=size, dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="predicted", ylabel=f"true, with its fraction of the {counted}")
    image = axes.imshow(percent, cmap="magma_r", vmin=0, vmax=100, aspect="auto")
    _label(axes, [class_names[i] for i in columns], "x")
    names = [f"{class_names[i]}  {_percent(fraction)} %" for i, fraction in zip(rows, support, strict=True)]
    _label(axes, names, "y")
    for (y, x), value in np.ndenumerate(percent):
        if value >= _MIN_SHOWN:
            color = "white" if value > 50 else "black"
            axes.text(x, y, f"{value:.0f}", ha="center", va="center", color=color, fontsize=_NUMBER_PT)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(f"% of the {counted} of the true class")
    return figure


def tag_confusion(
    true_positives: Tensor, false_negatives: Tensor, false_positives: Tensor, tags: Sequence[str]
) -> Figure:
    """A bar for each tag, over the tiles that have the tag or for which it is predicted; the most frequent tag on top.

    Args:
        true_positives: Number of tiles (L,) that have the tag and for which it is predicted.
        false_negatives: Number of tiles (L,) that have the tag and for which it is not predicted.
        false_positives: Number of tiles (L,) without the tag and for which it is predicted.
        tags: Names of the tags.
    """
    kinds = (true_positives, false_negatives, false_positives)
    support, totals = true_positives + false_negatives, sum(kinds)
    assert isinstance(totals, Tensor)
    order = [i for i in support.argsort(descending=True, stable=True).tolist() if totals[i]]
    figure = NotebookFigure(figsize=(8, max(_MIN_HEIGHT, _BAR * len(order) + 1.6)), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="% of the tiles with the tag, true or predicted", xlim=(0, 100))
    start = np.zeros(len(order))
    for counts, hatch, (color, label) in zip(kinds, _HATCHES, MEANINGS.items(), strict=True):
        percent = (100 * counts / totals)[order].numpy()
        axes.barh(range(len(order)), percent, 0.8, start, color=color, hatch=hatch, edgecolor="white", label=label)
        start += percent
    _label(axes, [f"{tags[i]}  {support[i]}" for i in order], "y")
    axes.invert_yaxis()
    axes.set_ylabel("tag, with the number of tiles that have it")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, prop={"family": FONT, "size": _PT})
    return figure


def _label(axes: Axes, names: Sequence[str], which: str) -> None:
    rotation = {"x": 90, "y": 0}[which]
    axis = {"x": axes.xaxis, "y": axes.yaxis}[which]
    axis.set_ticks(range(len(names)), names, rotation=rotation, fontsize=_PT, color=INK, family=FONT, parse_math=False)
    axis.set_tick_params(length=0)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.0f}" if fraction >= 0.01 else "<1"
