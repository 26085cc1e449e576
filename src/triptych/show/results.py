"""Truth and prediction of validation samples."""

from pathlib import Path

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_at_least
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask


def show_results(model: TransferTask | str | Path, data: TriptychDataModule, rows: int = 3) -> Figure:
    """Truth and prediction of validation samples, evenly spaced over the split and the same on each call.

    True and predicted mask are side by side, one sample a row; points are on the image and tags below it, four a row.
    Texts are three a row, with the category below, or with a colour behind each token that says whether a language
    model expected it.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        rows: Number of rows, at least 1.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The validation split is empty, the model has another task than the data, or `rows` is less than 1.
    """
    checked_at_least(1, "rows", rows)
    with evaluating(model, data) as evaluation:
        panel = panel_for(evaluation.model)
        indices = evenly_spaced(len(evaluation.samples), rows * panel.results_columns)
        return panel.results(list(evaluation.at(indices)))


def evenly_spaced(length: int, count: int) -> list[int]:
    """At most `count` indices, evenly spaced in `range(length)`."""
    count = min(length, count)
    return [(2 * i + 1) * length // (2 * count) for i in range(count)]
