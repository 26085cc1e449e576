"""Truth beside prediction."""

from pathlib import Path

from matplotlib.figure import Figure

from triptych.datamodules.base import TriptychDataModule, checked_at_least
from triptych.evaluation.evaluate import evaluating
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask


def show_results(model: TransferTask | str | Path, data: TriptychDataModule, rows: int = 3) -> Figure:
    """Truth and prediction of validation samples that are evenly spaced over the split, the same ones each time.

    Masks stand beside each other, one sample a row; points and tags lie on or below one picture, four samples a row.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        rows: At least 1.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The validation split is empty, the model has another task than the data, or `rows` is less than 1.
    """
    checked_at_least(1, "rows", rows)
    with evaluating(model, data) as evaluation:
        panel = panel_for(evaluation.model)
        indices = evenly_spaced(len(evaluation.samples), rows * panel.results_columns)
        return panel.results(list(evaluation.at(indices)))


def evenly_spaced(length: int, count: int) -> list[int]:
    """At most `count` indices that are evenly spaced in `length`."""
    taken = min(length, count)
    return [(2 * i + 1) * length // (2 * taken) for i in range(taken)]
