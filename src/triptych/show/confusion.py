"""What is taken for what, over a whole split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.samples import Sample
from triptych.metrics.functional import confusion_counts
from triptych.show.evaluation import evaluating
from triptych.show.figure import NotebookFigure
from triptych.show.flowing_text import FONT, INK
from triptych.show.tag_words import MEANINGS
from triptych.tasks import MultiLabelClassifier, UNetSegmenter
from triptych.tasks.base import TransferTask

_CELL, _BAR, _LEAST_HEIGHT = 0.32, 0.24, 3.6  # inches
_PT, _NUMBER_PT = 9, 7.5
_LEAST_SHOWN = 0.5
"""Percentage from which a number is written."""
_HATCHES = ("", "//", "..")


def plot_confusion(model: TransferTask | str | Path, data: TriptychDataModule) -> Figure:
    """For classes the row-normalised confusion matrix over labelled pixels; for tags the shares found and wrong.

    Classes and tags that neither occur nor are predicted are left out. The figure grows with their number.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The model predicts points, has another task than the data, or the validation split is empty.
    """
    with evaluating(model, data) as evaluation:
        counts = confusion_of(evaluation.model)
        if counts is None:
            raise ValueError(
                f"plot_confusion: expected a model of classes or tags, got {type(evaluation.model).__name__}, whose "
                "points are not taken for each other; see show_top_losses for the largest misses."
            )
        evaluation.feed(counts)
        return counts.figure()


def confusion_of(model: TransferTask) -> PixelConfusion | TagConfusion | None:
    """Counts for a model of classes or tags; None for any other."""
    if isinstance(model, UNetSegmenter):
        return PixelConfusion(model)
    return TagConfusion(model) if isinstance(model, MultiLabelClassifier) else None


class PixelConfusion:
    """Counts how many labelled pixels of each class are given to each class.

    Args:
        model: Whose classes.
    """

    def __init__(self, model: UNetSegmenter) -> None:
        num_classes, self.class_names = model.hparams["num_classes"], model.class_names
        self.ignore_index = model.hparams["ignore_index"]
        self.counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)

    def add(self, batch: Sample, logits: Tensor) -> None:
        """Counts one batch."""
        counts = confusion_counts(logits, batch["mask"], len(self.counts), self.ignore_index)
        self.counts += counts.cpu()

    def figure(self) -> Figure:
        """See `class_confusion`."""
        return class_confusion(self.counts, self.class_names)


class TagConfusion:
    """Counts on how many tiles each tag is found, missed and invented.

    Args:
        model: Whose tags, and threshold.
    """

    def __init__(self, model: MultiLabelClassifier) -> None:
        self.threshold, self.tags = model.hparams["threshold"], model.tags
        self.counts = torch.zeros(3, len(self.tags), dtype=torch.int64)

    def add(self, batch: Sample, logits: Tensor) -> None:
        """Counts one batch."""
        given, labels = logits.sigmoid() > self.threshold, batch["labels"] > 0
        kinds = [given & labels, ~given & labels, given & ~labels]
        self.counts += torch.stack([kind.sum(dim=0) for kind in kinds]).cpu()

    def figure(self) -> Figure:
        """See `tag_confusion`."""
        found, missed, invented = self.counts
        return tag_confusion(found, missed, invented, self.tags)


def class_confusion(counts: Tensor, class_names: Sequence[str]) -> Figure:
    """A row for each true class, in % of its pixels; a column for each class predicted.

    Args:
        counts: Pixels (C, C), target by prediction.
        class_names: Names of the classes.

    Raises:
        ValueError: No pixel was counted.
    """
    if not counts.any():
        raise ValueError("plot_confusion: expected labelled pixels in the validation masks, found none.")
    rows = counts.sum(dim=1).nonzero().flatten().tolist()
    columns = (counts.sum(dim=0) + counts.sum(dim=1)).nonzero().flatten().tolist()
    of_row = counts[rows].sum(dim=1, keepdim=True)
    shares = (100 * counts[rows][:, columns] / of_row).numpy()
    support = (of_row.flatten() / counts.sum()).tolist()
    size = _CELL * len(columns) + 3.6, max(_LEAST_HEIGHT, _CELL * len(rows) + 2)
    figure = NotebookFigure(figsize=size, dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="predicted", ylabel="true, with its share of the labelled pixels")
    image = axes.imshow(shares, cmap="magma_r", vmin=0, vmax=100, aspect="auto")
    _label(axes, [class_names[i] for i in columns], "x")
    _label(axes, [f"{class_names[i]}  {_percent(share)} %" for i, share in zip(rows, support, strict=True)], "y")
    for (y, x), share in np.ndenumerate(shares):
        if share >= _LEAST_SHOWN:
            color = "white" if share > 50 else "black"
            axes.text(x, y, f"{share:.0f}", ha="center", va="center", color=color, fontsize=_NUMBER_PT)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label("% of the pixels of the true class")
    return figure


def tag_confusion(found: Tensor, missed: Tensor, invented: Tensor, tags: Sequence[str]) -> Figure:
    """A bar for each tag, over the tiles that have it or were given it, with the most frequent above.

    Args:
        found: Tiles (L,) that have the tag and were given it.
        missed: Tiles that have it and were not.
        invented: Tiles that do not have it and were.
        tags: Names of the tags.
    """
    support, seen = found + missed, found + missed + invented
    order = [i for i in support.argsort(descending=True, stable=True).tolist() if seen[i]]
    figure = NotebookFigure(figsize=(8, max(_LEAST_HEIGHT, _BAR * len(order) + 1.6)), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel="% of the tiles that have the tag or were given it", xlim=(0, 100))
    start = np.zeros(len(order))
    for counts, hatch, (color, label) in zip((found, missed, invented), _HATCHES, MEANINGS.items(), strict=True):
        shares = (100 * counts / seen)[order].numpy()
        axes.barh(range(len(order)), shares, 0.8, start, color=color, hatch=hatch, edgecolor="white", label=label)
        start += shares
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


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.01 else "<1"
