"""The base classes of the panels, and what they share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from torch import Tensor

from triptych.draw.batch import short_names
from triptych.draw.sheet import Tile
from triptych.draw.text import Word, sentence
from triptych.evaluation.confusion import Confusion
from triptych.evaluation.top_losses import SampleLoss
from triptych.tasks.base import TransferTask

Predicted: TypeAlias = Sequence[tuple[Any, Tensor]]
"""Samples, each with the network's output for it."""
Pixels = npt.NDArray[np.uint8]
Task = TypeVar("Task", bound=TransferTask)

WORST_COLUMNS, PREDICTION_COLUMNS = 3, 3
PREDICTION_WIDTH = 4.2  # inches


class Panel(ABC, Generic[Task]):
    """Draws the predictions of a task.

    Args:
        model: A model of the task.
    """

    results_columns: ClassVar[int] = 4
    """Number of samples in a row of `results`."""
    no_confusion: ClassVar[str] = ""
    """Why `confusion` gives None, after the name of the task."""

    def __init__(self, model: Task) -> None:
        self.model = model

    @abstractmethod
    def results(self, predicted: Predicted) -> Figure:
        """Truth and prediction of each sample."""

    @abstractmethod
    def worst(self, losses: Sequence[SampleLoss], predicted: Predicted) -> Figure:
        """Each sample with its loss and what is wrong."""

    def confusion(self) -> Confusion | None:
        """Empty counts of the classes, tags, points or categories; None if nothing can be confused."""
        return None


class ImagePanel(Panel[Task]):
    """Draws the predictions of a task on images."""

    @abstractmethod
    def predictions(self, images: Sequence[Pixels], names: Sequence[str], preds: Sequence[Tensor]) -> Figure:
        """Images (H, W, 3) without labels, each with the output of `predict_step` for it."""


def with_losses(tiles: Sequence[Tile], losses: Sequence[SampleLoss]) -> list[Tile]:
    """The tiles with the loss of each before its words."""
    return [replace(tile, words=[*loss_words(one), *tile.words]) for tile, one in zip(tiles, losses, strict=True)]


def loss_words(one: SampleLoss) -> list[Word]:
    """The loss of a sample, before what is wrong with it."""
    return sentence(f"loss {one.loss:#.3g}:")


def names_of(predicted: Predicted) -> list[str]:
    """Names of the samples, above their tiles."""
    return short_names([sample["path"] for sample, _ in predicted])
