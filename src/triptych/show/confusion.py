"""Confusion of classes, tags or categories, or the errors by point, over the validation split."""

from pathlib import Path

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask


def plot_confusion(model: TransferTask | str | Path, data: TriptychDataModule) -> Figure:
    """Classes, categories: row-normalised confusion matrix. Tags: true and false positives, false negatives of each.

    Several points: the mean error of each in pixels, the largest first. Void pixels and missing points are not counted.
    Classes and tags that neither occur nor are predicted are left out.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The model predicts a single point or the next token, has another task than the data, or the
            validation split is empty.
    """
    with evaluating(model, data) as evaluation:
        panel = panel_for(evaluation.model)
        counts = panel.confusion()
        if counts is None:
            raise ValueError(
                "plot_confusion: expected a model of classes, tags, categories or several points, got "
                f"{type(evaluation.model).__name__} {panel.no_confusion}; see show_top_losses for its largest errors."
            )
        evaluation.feed(counts)
        return counts.figure()
