"""Segmentation metrics that ignore void pixels, as functions on class ids or counts."""

from typing import NamedTuple

import torch
from torch import Tensor


def class_ids(preds: Tensor, target: Tensor) -> Tensor:
    """Predicted class ids.

    Shape: preds (N, C, H, W) scores or (N, H, W) ids; target (N, H, W); result (N, H, W).
    Raises: ValueError if preds and target differ in N, H or W.
    """
    ids = preds.argmax(dim=1) if preds.ndim == target.ndim + 1 else preds
    if ids.shape != target.shape:
        raise ValueError(
            f"preds: expected scores (N, C, H, W) or class ids (N, H, W) for a target of {tuple(target.shape)}, "
            f"got {tuple(preds.shape)}."
        )
    return ids


def correct_and_labelled(preds: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor]:
    """Number of pixels that are predicted right, and number of labelled pixels.

    Args:
        preds: Scores (N, C, H, W) or class ids (N, H, W).
        target: Class ids (N, H, W).
        ignore_index: Class id of void pixels, left out of both counts; None counts every pixel.

    Returns:
        Two int64 scalars.
    """
    correct = class_ids(preds, target) == target
    if ignore_index is None:
        return correct.sum(), correct.new_full((), target.numel(), dtype=torch.int64)
    labelled = target != ignore_index
    return (correct & labelled).sum(), labelled.sum()


def confusion_counts(preds: Tensor, target: Tensor, num_classes: int, ignore_index: int | None) -> Tensor:
    """Confusion matrix: number of pixels by true and predicted class.

    Args:
        preds: Scores (N, C, H, W) or class ids (N, H, W) in [0, num_classes).
        target: Class ids (N, H, W) in [0, num_classes), or `ignore_index`.
        num_classes: Number of classes.
        ignore_index: Class id of void pixels, which are not counted; None counts every pixel.

    Returns:
        int64 (num_classes, num_classes); rows are true classes, columns predicted ones.
    """
    return confusion_by_image(preds, target, num_classes, ignore_index).sum(dim=0)


def confusion_by_image(preds: Tensor, target: Tensor, num_classes: int, ignore_index: int | None) -> Tensor:
    """Confusion matrix of each image, int64 (N, num_classes, num_classes); see `confusion_counts`."""
    pairs = target * num_classes + class_ids(preds, target)
    bins = num_classes**2 + 1  # the last is that of void pixels
    if ignore_index is not None:
        pairs = pairs.masked_fill(target == ignore_index, bins - 1)
    images = torch.arange(len(target), device=target.device).view(-1, *[1] * (target.ndim - 1))
    counts = _histogram((pairs + images * bins).flatten(), len(target) * bins)
    return counts.view(len(target), bins)[:, :-1].reshape(-1, num_classes, num_classes)


def _histogram(bins: Tensor, number: int) -> Tensor:
    """Number of values in each of so many bins, int64."""
    if bins.device.type == "cpu":
        return torch.bincount(bins, minlength=number)
    # for `bincount` the host would wait for a GPU
    return torch.zeros(number, dtype=torch.int64, device=bins.device).scatter_add_(0, bins, torch.ones_like(bins))


def accuracy(confusion: Tensor) -> Tensor:
    """Fraction of counted pixels on the diagonal; NaN if there are none. Shape: (C, C) to a scalar."""
    return confusion.diagonal().sum() / confusion.sum()


class PerClassScores(NamedTuple):
    """Scores of each class, (C,), NaN if the divisor is 0.

    Labelled pixels; intersection over union; fraction of the class's pixels that are predicted as the class (recall);
    fraction of the pixels predicted as the class that are of it.
    """

    support: Tensor
    iou: Tensor
    accuracy: Tensor
    precision: Tensor


def per_class_scores(confusion: Tensor) -> PerClassScores:
    """Scores of each class over the whole data set, from counts (C, C)."""
    correct, support, predicted = confusion.diagonal(), confusion.sum(dim=1), confusion.sum(dim=0)
    return PerClassScores(support, correct / (support + predicted - correct), correct / support, correct / predicted)


def mean_iou(confusion: Tensor) -> Tensor:
    """Mean intersection over union of the classes that occur in the labels; NaN if none does.

    Counts are summed over the data set before they are divided, as in published scores; a mean over images weights
    rare classes differently.
    """
    scores = per_class_scores(confusion)
    return scores.iou[scores.support > 0].mean()
