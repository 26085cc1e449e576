"""Truth beside prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule, checked_at_least
from triptych.datamodules.samples import Sample
from triptych.metrics.functional import correct_and_labelled
from triptych.show.batch import TILE_WIDTH, rgb, short_names
from triptych.show.evaluation import evaluating
from triptych.show.flowing_text import sentence
from triptych.show.marks import mark_keys
from triptych.show.mask_colors import class_keys, paint
from triptych.show.prediction_tiles import point_tile, tag_tile
from triptych.show.sheet import Tile, sheet
from triptych.show.tag_words import tag_keys
from triptych.tasks import MultiLabelClassifier, UNetSegmenter
from triptych.tasks.base import TransferTask

COLUMNS = 4
"""Samples in a row where truth and prediction share one picture."""


def show_results(model: TransferTask | str | Path, data: TriptychDataModule, rows: int = 3) -> Figure:
    """Truth and prediction of validation samples that are spread over the split, the same ones each time.

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
        count = rows if isinstance(evaluation.model, UNetSegmenter) else rows * COLUMNS
        return results_figure(evaluation.model, list(evaluation.at(spread(len(evaluation.samples), count))))


def results_figure(model: TransferTask, found: Sequence[tuple[Sample, Tensor]]) -> Figure:
    """Truth and prediction of samples, each with what the network gave for it; see `show_results`."""
    if isinstance(model, UNetSegmenter):
        return _masks(model, found)
    return _tags(model, found) if isinstance(model, MultiLabelClassifier) else _points(found)


def spread(length: int, count: int) -> list[int]:
    """At most `count` places that lie evenly in `length`."""
    taken = min(length, count)
    return [(2 * i + 1) * length // (2 * taken) for i in range(taken)]


def _masks(model: UNetSegmenter, found: Sequence[tuple[Sample, Tensor]]) -> Figure:
    ignore_index = model.hparams["ignore_index"]
    tiles, masks = [], []
    for (sample, logits), name in zip(found, _names(found), strict=True):
        ids = logits.argmax(dim=0)
        hits, labelled = correct_and_labelled(ids[None], sample["mask"][None], ignore_index)
        right = f"{100 * hits / labelled:.1f} % of the labelled pixels right" if labelled else "no pixel is labelled"
        for mask, above, below in ((sample["mask"], name, ""), (ids, "", right)):
            masks.append(mask.cpu().numpy())
            picture = paint(rgb(sample), masks[-1], model.class_names, ignore_index)
            tiles.append(Tile(picture, above, sentence(below)))
    keys = class_keys(masks, model.class_names, ignore_index)
    return sheet(tiles, 2, 4.2, keys, headings=("truth", "prediction"))


def _points(found: Sequence[tuple[Sample, Tensor]]) -> Figure:
    tiles = [point_tile(sample, preds, name) for (sample, preds), name in zip(found, _names(found), strict=True)]
    return sheet(tiles, COLUMNS, TILE_WIDTH["point"], mark_keys(predicted=True))


def _tags(model: MultiLabelClassifier, found: Sequence[tuple[Sample, Tensor]]) -> Figure:
    tiles = [tag_tile(model, sample, logits, name) for (sample, logits), name in zip(found, _names(found), strict=True)]
    return sheet(tiles, COLUMNS, TILE_WIDTH["labels"], *tag_keys())


def _names(found: Sequence[tuple[Sample, Tensor]]) -> list[str]:
    return short_names([sample["path"] for sample, _ in found])
