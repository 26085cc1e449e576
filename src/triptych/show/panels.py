"""How predictions are drawn, task by task: one panel class for each kind of target."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from torch import Tensor

from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.sample import Sample, Target
from triptych.draw.batch import TILE_WIDTH, rgb, short_names, to_pixels
from triptych.draw.marks import mark_keys
from triptych.draw.masks import Classes, class_keys, error_keys, mark_wrong, paint
from triptych.draw.sheet import Tile, sheet
from triptych.draw.tags import tag_keys, tag_words
from triptych.draw.text import Word, sentence
from triptych.evaluation.confusion import PixelConfusion, PointErrors, TagConfusion
from triptych.evaluation.top_losses import SampleLoss
from triptych.metrics.functional import correct_and_labelled
from triptych.tasks import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.tasks.base import TransferTask
from triptych.tasks.mistakes import missed_points

Predicted = Sequence[tuple[Sample, Tensor]]
"""Samples, each with the network's output for it."""
Pixels = npt.NDArray[np.uint8]
Task = TypeVar("Task", bound=TransferTask)

_UNLABELLED = "no pixel is labelled"
_WORST_COLUMNS, _PREDICTION_COLUMNS = 3, 3
_MASK_WIDTH, _ERROR_WIDTH, _PREDICTION_WIDTH = 4.2, 3.4, 4.2  # inches; most descriptions of mistakes fit into one line


class Panel(ABC, Generic[Task]):
    """Draws the predictions of a task.

    Args:
        model: A model of the task.
    """

    results_columns: ClassVar[int] = 4
    """Number of samples in a row of `results`."""

    def __init__(self, model: Task) -> None:
        self.model = model

    @abstractmethod
    def results(self, predicted: Predicted) -> Figure:
        """Truth and prediction of each sample."""

    @abstractmethod
    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        """Each sample with its loss and what is wrong."""

    @abstractmethod
    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        """Images (H, W, 3) without labels, each with the output of `predict_step` for it."""

    def confusion(self) -> PixelConfusion | TagConfusion | PointErrors | None:
        """Empty counts of the classes, tags or points; None if there is a single point."""
        return None


class MaskPanel(Panel[UNetSegmenter]):
    """Segmentation: truth and prediction side by side."""

    results_columns = 1

    @property
    def classes(self) -> Classes:
        """The classes of a mask's ids."""
        names = self.model.class_names
        return Classes(names, class_colors(names), self.model.hparams["ignore_index"])

    def results(self, predicted: Predicted) -> Figure:
        tiles, masks, classes = [], [], self.classes
        for (sample, logits), name in zip(predicted, _names(predicted), strict=True):
            ids = logits.argmax(dim=0)
            correct, labelled = correct_and_labelled(ids[None], sample["mask"][None], classes.ignore_index)
            score = f"{100 * correct / labelled:.1f} % of the labelled pixels correct" if labelled else _UNLABELLED
            for mask, above, below in ((sample["mask"], name, ""), (ids, "", score)):
                masks.append(mask.cpu().numpy())
                tiles.append(Tile(paint(rgb(sample["image"]), masks[-1], classes), above, sentence(below)))
        return sheet(tiles, 2, _MASK_WIDTH, class_keys(masks, classes), headings=("truth", "prediction"))

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = []
        for one, (sample, logits), name in zip(losses, predicted, _names(predicted), strict=True):
            ids, target = logits.argmax(dim=0).cpu().numpy(), sample["mask"].cpu().numpy()
            picture = mark_wrong(rgb(sample["image"]), ids, target, self.model.hparams["ignore_index"])
            tiles.append(Tile(picture, name, [*_loss(one), *sentence(one.wrong)]))
        return sheet(tiles, _WORST_COLUMNS, _ERROR_WIDTH, error_keys())

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        masks, classes = [ids.long().numpy() for ids in preds], self.classes
        pictures = [paint(image, mask, classes) for image, mask in zip(images, masks, strict=True)]
        tiles = [Tile(picture, name) for picture, name in zip(pictures, names, strict=True)]
        return sheet(tiles, _PREDICTION_COLUMNS, _PREDICTION_WIDTH, class_keys(masks, classes))

    def confusion(self) -> PixelConfusion:
        return PixelConfusion(self.model)


class PointPanel(Panel[PointRegressor]):
    """Points: truth and prediction on one image."""

    def results(self, predicted: Predicted) -> Figure:
        return sheet(self._tiles(predicted), self.results_columns, TILE_WIDTH["point"], mark_keys(predicted=True))

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = _with_losses(self._tiles(predicted), losses)
        return sheet(tiles, _WORST_COLUMNS, TILE_WIDTH["point"], mark_keys(predicted=True))

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        tiles = [
            Tile(image, name, points=points.tolist()) for image, name, points in zip(images, names, preds, strict=True)
        ]
        return sheet(tiles, _PREDICTION_COLUMNS, _PREDICTION_WIDTH, mark_keys(predicted=True)[1:])

    def confusion(self) -> PointErrors | None:
        return PointErrors(self.model) if len(self.model.point_names) > 1 else None

    def _tiles(self, predicted: Predicted) -> list[Tile]:
        """True and predicted points, and the error in pixels of the original frame."""
        tiles = []
        for (sample, preds), name in zip(predicted, _names(predicted), strict=True):
            picture, target = rgb(sample["image"]), sample["point"]
            words = sentence(missed_points(preds, target, sample["size"], self.model.point_names))
            tiles.append(Tile(picture, name, words, to_pixels(target, picture), to_pixels(preds, picture)))
        return tiles


class TagPanel(Panel[MultiLabelClassifier]):
    """Tags: as words below the image."""

    def results(self, predicted: Predicted) -> Figure:
        return sheet(self._tiles(predicted), self.results_columns, TILE_WIDTH["labels"], *tag_keys())

    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        tiles = _with_losses(self._tiles(predicted), losses)
        return sheet(tiles, _WORST_COLUMNS, TILE_WIDTH["labels"], *tag_keys())

    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        words = [sentence(", ".join(self._above_threshold(probabilities))) for probabilities in preds]
        tiles = [Tile(*tile) for tile in zip(images, names, words, strict=True)]
        return sheet(tiles, _PREDICTION_COLUMNS, _PREDICTION_WIDTH)

    def confusion(self) -> TagConfusion:
        return TagConfusion(self.model)

    def _tiles(self, predicted: Predicted) -> list[Tile]:
        tiles = []
        for (sample, logits), name in zip(predicted, _names(predicted), strict=True):
            preds = logits.sigmoid() > self.model.hparams["threshold"]
            words = tag_words(preds, sample["labels"] > 0, self.model.tags) or [Word("no tags")]
            tiles.append(Tile(rgb(sample["image"]), name, words))
        return tiles

    def _above_threshold(self, probabilities: Tensor) -> list[str]:
        """Tags above the threshold with their probabilities, the most probable first."""
        order = probabilities.argsort(descending=True).tolist()
        chosen = probabilities > self.model.thresholds_by("fixed").cpu()
        return [f"{self.model.tags[i]} {probabilities[i]:.2f}" for i in order if chosen[i]]


_PANELS: dict[Target, type[Panel[Any]]] = {"mask": MaskPanel, "point": PointPanel, "labels": TagPanel}
"""By the target of a task."""


def panel_for(model: TransferTask) -> Panel[Any]:
    """The panel of a model's task.

    Raises:
        ValueError: No panel draws the model's target.
    """
    if model.target not in _PANELS:
        raise ValueError(f"{type(model).__name__}: expected a target in {', '.join(_PANELS)}, got {model.target!r}.")
    return _PANELS[model.target](model)


def _with_losses(tiles: Sequence[Tile], losses: Sequence[SampleLoss]) -> list[Tile]:
    return [replace(tile, words=[*_loss(one), *tile.words]) for tile, one in zip(tiles, losses, strict=True)]


def _loss(one: SampleLoss) -> list[Word]:
    return sentence(f"loss {one.loss:#.3g}:")


def _names(predicted: Predicted) -> list[str]:
    return short_names([sample["path"] for sample, _ in predicted])
