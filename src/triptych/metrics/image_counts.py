"""What is kept of each image, so that the scores of any selection of images follow from the sum over them."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.metrics.functional import confusion_by_image
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
            target: The true masks, points, tags or categories, (N, ...).
            size: Height and width in pixels of the images in their files, (N, 2).
        """

    def summands(self, kept: Tensor) -> Tensor:
        """Summands of each image, float64 (N, S), from what was kept of all images."""

    def scores(self, sums: Tensor) -> Tensor:
        """The scores (..., M) of images whose summands add up to `sums`, (..., S)."""


class MaskCounts:
    """Pixels of each image and class: right ones, labelled ones and predicted ones.

    Args:
        num_classes: Number of classes.
        ignore_index: Class id of void pixels; None counts every pixel.
    """

    names = ("void_masked_accuracy", "mean_iou")

    def __init__(self, num_classes: int, ignore_index: int | None) -> None:
        self.num_classes, self.ignore_index = num_classes, ignore_index

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        confusion = confusion_by_image(preds, target, self.num_classes, self.ignore_index)
        return torch.cat([confusion.diagonal(dim1=1, dim2=2), confusion.sum(dim=2), confusion.sum(dim=1)], dim=1)

    def summands(self, kept: Tensor) -> Tensor:
        return kept.double()

    def scores(self, sums: Tensor) -> Tensor:
        right, labelled, predicted = sums.chunk(3, dim=-1)
        iou = (right / (labelled + predicted - right)).where(labelled > 0, torch.nan)
        return torch.stack([right.sum(-1) / labelled.sum(-1), iou.nanmean(-1)], dim=-1)


class PointCounts:
    """Errors and number of the known points of each image."""

    names = ("error_px", "mse", "within_5px", "within_10px")

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        known = ~target.isnan().any(dim=-1)
        distance = distance_px(preds, target, size)
        errors = (distance, (preds - target).square().mean(dim=-1), (distance <= 5).float(), (distance <= 10).float())
        return torch.stack([*(error.where(known, 0).sum(dim=1) for error in errors), known.sum(dim=1)], dim=1)

    def summands(self, kept: Tensor) -> Tensor:
        return kept.double()

    def scores(self, sums: Tensor) -> Tensor:
        return sums[..., :-1] / sums[..., -1:]


class TagCounts:
    """F2 of each image at a fixed threshold, and at the best single one for all images.

    Args:
        threshold: The fixed threshold.
    """

    names = ("f2", "f2 at best threshold")

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

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
        return sums[..., :-1] / sums[..., -1:]


class CategoryCounts:
    """For each text and category, whether it is predicted right, is true and is predicted.

    Args:
        num_categories: Number of categories.
    """

    names = ("accuracy", "f1")

    def __init__(self, num_categories: int) -> None:
        self.num_categories = num_categories

    def keep(self, preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
        predicted, true = (F.one_hot(ids, self.num_categories) for ids in (preds.argmax(dim=1), target))
        return torch.cat([predicted * true, true, predicted], dim=1)

    def summands(self, kept: Tensor) -> Tensor:
        return kept.double()

    def scores(self, sums: Tensor) -> Tensor:
        right, true, predicted = sums.chunk(3, dim=-1)
        f1 = (2 * right / (true + predicted)).where(true > 0, torch.nan)
        return torch.stack([right.sum(-1) / true.sum(-1), f1.nanmean(-1)], dim=-1)
