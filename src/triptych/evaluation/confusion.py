"""Counts of a model over a split: confused classes, tags or categories, and the errors by point."""

from typing import Any, Protocol

import torch
from matplotlib.figure import Figure
from torch import Tensor

from triptych.datasets.sample import Batch, TextBatch
from triptych.draw.confusion import class_confusion, tag_confusion
from triptych.draw.point_errors import point_errors
from triptych.metrics import PointScores
from triptych.metrics.category_scores import category_confusion
from triptych.metrics.functional import confusion_counts
from triptych.tasks import MultiLabelClassifier, PointRegressor, TextClassifier, UNetSegmenter


class Confusion(Protocol):
    """Counts of the samples of a split, and their figure."""

    counts: Tensor

    def add(self, batch: Any, preds: Tensor) -> None: ...

    def figure(self) -> Figure: ...


class PixelConfusion:
    """Confusion matrix: labelled pixels by true and predicted class.

    Args:
        model: The model whose classes are counted.
    """

    def __init__(self, model: UNetSegmenter) -> None:
        num_classes, self.class_names = model.hparams["num_classes"], model.class_names
        self.ignore_index = model.hparams["ignore_index"]
        self.counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)

    def add(self, batch: Batch, logits: Tensor) -> None:
        """Adds the counts of one batch."""
        counts = confusion_counts(logits, batch["mask"], len(self.counts), self.ignore_index)
        self.counts += counts.cpu()

    def figure(self) -> Figure:
        """See `class_confusion`."""
        return class_confusion(self.counts, self.class_names)


class TagConfusion:
    """Number of tiles by tag: true positives, false negatives and false positives.

    Args:
        model: The model whose tags are counted, at its own `threshold`.
    """

    def __init__(self, model: MultiLabelClassifier) -> None:
        self.threshold, self.tags = model.hparams["threshold"], model.tags
        self.counts = torch.zeros(3, len(self.tags), dtype=torch.int64)

    def add(self, batch: Batch, logits: Tensor) -> None:
        """Adds the counts of one batch."""
        preds, target = logits.sigmoid() > self.threshold, batch["labels"] > 0
        kinds = [preds & target, ~preds & target, preds & ~target]
        self.counts += torch.stack([kind.sum(dim=0) for kind in kinds]).cpu()

    def figure(self) -> Figure:
        """See `tag_confusion`."""
        true_positives, false_negatives, false_positives = self.counts
        return tag_confusion(true_positives, false_negatives, false_positives, self.tags)


class PointErrors:
    """Mean error of each point, and the number of images in which it is known.

    Args:
        model: The model whose points are scored.
    """

    def __init__(self, model: PointRegressor) -> None:
        self.point_names, self.counts = model.point_names, torch.zeros(len(model.point_names), dtype=torch.int64)
        self._scores = PointScores(len(self.point_names))

    def add(self, batch: Batch, preds: Tensor) -> None:
        """Adds the points of one batch."""
        self._scores.update(preds.cpu(), batch["point"].cpu(), batch["size"].cpu())
        self.counts += (~batch["point"].isnan().any(dim=-1)).sum(dim=0).cpu()

    def figure(self) -> Figure:
        """See `point_errors`."""
        return point_errors(self._scores.compute()["point_error_px"], self.counts, self.point_names)


class CategoryConfusion:
    """Confusion matrix: texts by true and predicted category.

    Args:
        model: The model whose categories are counted.
    """

    def __init__(self, model: TextClassifier) -> None:
        self.categories = model.categories
        self.counts = torch.zeros(len(self.categories), len(self.categories), dtype=torch.int64)

    def add(self, batch: TextBatch, logits: Tensor) -> None:
        """Adds the counts of one batch."""
        self.counts += category_confusion(logits, batch["category"]).cpu()

    def figure(self) -> Figure:
        """See `class_confusion`."""
        return class_confusion(self.counts, self.categories, "texts")
