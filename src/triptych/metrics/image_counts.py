"""What is kept of each image, so that the scores of any selection of images follow from the sum over them."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from triptych.metrics.functional import accuracy, confusion_counts, mean_iou
from triptych.metrics.point_scores import distance_px
from triptych.metrics.thresholds import best_threshold, f_beta


class ImageCounts(Protocol):
    """Keeps something of each image, and computes scores from sums of it."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each of M scores."""

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        """What is kept of each image, (N, K).

        Args:
            preds: Output of a task, (N, ...).
            target: The true masks, points or tags, (N, ...).
            size: Height and width in pixels of the images in their files, (N, 2).
        """

    def summands(self, kept: Tensor) -> Tensor:
        """Summands of each image, float64 (N, S), from what was kept of all images."""

    def scores(self, sums: Tensor) -> Tensor:
        """The scores (M,) of images whose summands add up to `sums`, (S,)."""


class MaskCounts:
    """Confusion matrix of each image.

    Args:
        num_classes: Number of classes.
        ignore_index: Class id of void pixels; None counts every pixel.
    """

    names = ("void_masked_accuracy", "mean_iou")

    def __init__(self, num_classes: int, ignore_index: int | None) -> None:
        self.num_classes, self.ignore_index = num_classes, ignore_index

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        pairs = zip(preds[:, None], target[:, None], strict=True)
        return torch.stack(
            [confusion_counts(one, true, self.num_classes, self.ignore_index).flatten() for one, true in pairs]
        )

    def summands(self, kept: Tensor) -> Tensor:
        return kept.double()

    def scores(self, sums: Tensor) -> Tensor:
        confusion = sums.view(self.num_classes, self.num_classes)
        return torch.stack([accuracy(confusion), mean_iou(confusion)])


class PointCounts:
    """Errors and number of the known points of each image."""

    names = ("error_px", "mse")

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        known = ~target.isnan().any(dim=-1)
        errors = (distance_px(preds, target, size), (preds - target).square().mean(dim=-1))
        return torch.stack([*(error.where(known, 0).sum(dim=1) for error in errors), known.sum(dim=1)], dim=1)

    def summands(self, kept: Tensor) -> Tensor:
        return kept.double()

    def scores(self, sums: Tensor) -> Tensor:
        return sums[:2] / sums[2]


class TagCounts:
    """F2 of each image at a fixed threshold, and at the best single one for all images.

    Args:
        threshold: The fixed threshold.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.names = (f"f2 at {threshold}", "f2 at best threshold")

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        return torch.cat([preds.sigmoid(), target], dim=1)

    def best_threshold(self, kept: Tensor) -> float:
        """The single threshold with the best F2 on all images."""
        probabilities, target = kept.tensor_split(2, dim=1)
        return best_threshold(probabilities.contiguous(), target)

    def summands(self, kept: Tensor) -> Tensor:
        probabilities, target = kept.tensor_split(2, dim=1)
        thresholds = (self.threshold, self.best_threshold(kept))
        scores = [f_beta(probabilities > threshold, target) for threshold in thresholds]
        return torch.stack([*scores, torch.ones_like(scores[0])], dim=1).double()

    def scores(self, sums: Tensor) -> Tensor:
        return sums[:2] / sums[2]
