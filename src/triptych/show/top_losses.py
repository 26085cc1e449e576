"""Figures of the samples with the highest losses."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_at_least
from triptych.evaluation.evaluate import Evaluation, evaluating
from triptych.evaluation.top_losses import SampleLoss, SampleLosses
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask


def show_top_losses(model: TransferTask | str | Path, data: TriptychDataModule, k: int = 9) -> Figure:
    """The validation samples with the highest losses, worst first, each with its loss and what is wrong.

    Masks: the wrong pixels and the two classes that are confused most. Points: the error in pixels of the original
    frame and a line from truth to prediction. Tags: true positives, false negatives and false positives. Texts: what
    was predicted, and with which probability.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        k: Number of samples, at least 1.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The validation split is empty, the model has another task than the data, or `k` is less than 1.
    """
    checked_at_least(1, "k", k)
    with evaluating(model, data) as evaluation:
        losses = SampleLosses(evaluation.model)
        evaluation.feed(losses)
        return _figure(evaluation, losses.worst_first()[:k])


def mistake_figures(evaluation: Evaluation, k: int, limit: int | None = None) -> tuple[Figure, Figure | None]:
    """The top losses, and the confusion or the errors by point, if there are any, from one pass of the network.

    Args:
        evaluation: The model and the samples.
        k: Number of samples with the highest losses.
        limit: Maximum number of batches; None sets no limit.
    """
    losses, confusion = SampleLosses(evaluation.model), panel_for(evaluation.model).confusion()
    evaluation.feed(losses, *([confusion] if confusion else []), limit=limit)
    worst = _figure(evaluation, losses.worst_first()[:k])
    return worst, confusion.figure() if confusion and confusion.counts.any() else None


def _figure(evaluation: Evaluation, worst: Sequence[SampleLoss]) -> Figure:
    predicted = list(evaluation.at([one.index for one in worst]))
    return panel_for(evaluation.model).worst(worst, predicted)
