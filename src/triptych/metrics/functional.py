"""Void-aware measures of segmentation as functions on tensors of class ids or counts."""

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
    """How many pixels are predicted right, and how many are labelled at all.

    Args:
        preds: Scores (N, C, H, W) or class ids (N, H, W).
        target: Class ids (N, H, W).
        ignore_index: Class id of void pixels, left out of both counts; None counts every pixel.

    Returns:
        Two int64 scalars.
    """
    hit = class_ids(preds, target) == target
    if ignore_index is None:
        return hit.sum(), torch.tensor(target.numel(), device=target.device)
    labelled = target != ignore_index
    return (hit & labelled).sum(), labelled.sum()


def confusion_counts(preds: Tensor, target: Tensor, num_classes: int, ignore_index: int | None) -> Tensor:
    """How many pixels of each class were given to each class.

    Args:
        preds: Scores (N, C, H, W) or class ids (N, H, W) in [0, num_classes).
        target: Class ids (N, H, W) in [0, num_classes), or `ignore_index`.
        num_classes: Number of classes.
        ignore_index: Class id of void pixels, which are not counted; None counts every pixel.

    Returns:
        int64 (num_classes, num_classes), target by prediction.
    """
    pairs = target * num_classes + class_ids(preds, target)
    if ignore_index is not None:
        pairs = pairs[target != ignore_index]
    return torch.bincount(pairs.flatten(), minlength=num_classes**2).view(num_classes, num_classes)


def accuracy(confusion: Tensor) -> Tensor:
    """Share of counted pixels on the diagonal; NaN if there are none. Shape: (C, C) to a scalar."""
    return confusion.diagonal().sum() / confusion.sum()


class PerClassScores(NamedTuple):
    """Scores of each class, (C,), NaN where there is nothing to divide by.

    Labelled pixels; intersection over union; share of its pixels that is found; share of what is found that is right.
    """

    support: Tensor
    iou: Tensor
    accuracy: Tensor
    precision: Tensor


def per_class_scores(confusion: Tensor) -> PerClassScores:
    """Scores of each class over the whole data set, from counts (C, C)."""
    hit, support, predicted = confusion.diagonal(), confusion.sum(dim=1), confusion.sum(dim=0)
    return PerClassScores(support, hit / (support + predicted - hit), hit / support, hit / predicted)


def mean_iou(confusion: Tensor) -> Tensor:
    """Mean intersection over union of the classes that occur in the labels; NaN if none does.

    Counts are summed over the data set before they are divided, as in the published scores; a mean over images weighs
    rare classes differently.
    """
    scores = per_class_scores(confusion)
    return scores.iou[scores.support > 0].mean()
