"""Pictures of the samples that a model finds hardest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule, checked_at_least
from triptych.datamodules.samples import Sample
from triptych.show.batch import TILE_WIDTH, short_names
from triptych.show.confusion import confusion_of
from triptych.show.evaluation import Evaluation, evaluating
from triptych.show.flowing_text import sentence
from triptych.show.marks import mark_keys
from triptych.show.mask_colors import error_keys
from triptych.show.prediction_tiles import error_tile, point_tile, tag_tile
from triptych.show.sheet import Tile, sheet
from triptych.show.tag_words import tag_keys
from triptych.show.top_losses import SampleLoss, SampleLosses
from triptych.tasks import MultiLabelClassifier, UNetSegmenter
from triptych.tasks.base import TransferTask

COLUMNS = 3
_ERROR_WIDTH = 3.4  # inches, so that most of what is wrong fits into a line


def show_top_losses(model: TransferTask | str | Path, data: TriptychDataModule, k: int = 9) -> Figure:
    """The validation samples with the highest losses, worst first, each with its loss and what is wrong.

    Masks: the wrong pixels and the two classes that are confused most. Points: the miss in pixels of the original frame
    and a line from truth to prediction. Tags: those found, missed and invented.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        k: How many, at least 1.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The validation split is empty, the model has another task than the data, or `k` is less than 1.
    """
    checked_at_least(1, "k", k)
    with evaluating(model, data) as evaluation:
        losses = SampleLosses(evaluation.model)
        evaluation.feed(losses)
        return worst_figure(evaluation, losses.worst_first()[:k])


def mistakes(evaluation: Evaluation, k: int, limit: int | None = None) -> tuple[Figure, Figure | None]:
    """The top losses, and the confusion of classes or tags if there is any, from one pass of the network.

    Args:
        evaluation: The model and the samples.
        k: Samples with the highest losses.
        limit: Of batches; None sets none.
    """
    losses, confusion = SampleLosses(evaluation.model), confusion_of(evaluation.model)
    evaluation.feed(losses, *([confusion] if confusion else []), limit=limit)
    worst = worst_figure(evaluation, losses.worst_first()[:k])
    return worst, confusion.figure() if confusion and confusion.counts.any() else None


def worst_figure(evaluation: Evaluation, worst: Sequence[SampleLoss]) -> Figure:
    """Samples of an evaluation, each with its loss and what is wrong; see `show_top_losses`."""
    names = short_names([one.path for one in worst])
    found = evaluation.at([one.index for one in worst])
    tiles = [
        _tile(evaluation.model, one, sample, preds, name)
        for one, (sample, preds), name in zip(worst, found, names, strict=True)
    ]
    kind = evaluation.model.target
    if kind == "mask":
        return sheet(tiles, COLUMNS, _ERROR_WIDTH, error_keys())
    if kind == "point":
        return sheet(tiles, COLUMNS, TILE_WIDTH[kind], mark_keys(predicted=True))
    return sheet(tiles, COLUMNS, TILE_WIDTH[kind], *tag_keys())


def _tile(model: TransferTask, one: SampleLoss, sample: Sample, preds: Tensor, name: str) -> Tile:
    loss = sentence(f"loss {one.loss:#.3g}:")
    if isinstance(model, UNetSegmenter):
        return replace(error_tile(model, sample, preds, name), words=[*loss, *sentence(one.wrong)])
    if isinstance(model, MultiLabelClassifier):
        tile = tag_tile(model, sample, preds, name)
    else:
        tile = point_tile(sample, preds, name)
    return replace(tile, words=[*loss, *tile.words])
