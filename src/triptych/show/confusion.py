"""Confusion of classes or tags, or the errors by point, over the validation split."""

from pathlib import Path

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask


def plot_confusion(model: TransferTask | str | Path, data: TriptychDataModule) -> Figure:
    """Classes: row-normalised confusion matrix. Tags: true positives, false negatives and false positives of each.

    Several points: the mean error of each in pixels, the largest first. Void pixels and missing points are not counted.
    Classes and tags that neither occur nor are predicted are left out.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The model predicts a single point, has another task than the data, or the validation split is empty.
    """
    with evaluating(model, data) as evaluation:
        counts = panel_for(evaluation.model).confusion()
        if counts is None:
            raise ValueError(
                f"plot_confusion: expected a model of classes, tags or several points, got "
                f"{type(evaluation.model).__name__} of one point; see show_top_losses for its largest errors."
            )
        evaluation.feed(counts)
        return counts.figure()
