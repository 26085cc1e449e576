"""Losses of the overlap between true and predicted regions.

An overlap is not a sum over pixels, so a loss over a batch as a whole depends on which images are in it. Here each
overlap is computed image by image, over the classes that the image has, and images are the elements: value and gradient
do not depend on how a split is cut. The losses of segmentation_models_pytorch divide by all classes, also by those that
are in no image, and those with boolean indices make the host wait for a GPU.
"""

import torch
from torch import Tensor

from triptych.losses.segmentation import labelled_pixels
from triptych.losses.terms import LossTerms, Weights, weights_on


def dice(logits: Tensor, target: Tensor, class_weights: Weights = None, ignore_index: int | None = None) -> LossTerms:
    """Dice loss: 1 - 2 |A and B| / (|A| + |B|) of each class in an image, with probabilities as fractions of pixels.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class in the mean over an image's classes, (C,); None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.

    Source: Milletari et al., "V-Net", 2016, without the squares.
    """
    return tversky(logits, target, class_weights, ignore_index)


def tversky(
    logits: Tensor,
    target: Tensor,
    class_weights: Weights = None,
    ignore_index: int | None = None,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
) -> LossTerms:
    """Tversky loss: 1 - TP / (TP + alpha FP + beta FN) of each class in an image; Dice if both are 0.5.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class in the mean over an image's classes, (C,); None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.
        alpha: Weight of the false positives, at least 0.
        beta: Weight of the false negatives, at least 0.

    Source: Salehi et al., "Tversky loss function for image segmentation", 2017.
    """
    probs, true, _ = _regions(logits, target, ignore_index)
    true_positives = (probs * true).sum(dim=-1)
    false_positives, false_negatives = probs.sum(dim=-1) - true_positives, true.sum(dim=-1) - true_positives
    union = true_positives + alpha * false_positives + beta * false_negatives
    return _mean_of_images(1 - true_positives / union.clamp(min=1e-12), true, class_weights)


def lovasz(logits: Tensor, target: Tensor, class_weights: Weights = None, ignore_index: int | None = None) -> LossTerms:
    """Lovász-softmax: a piecewise linear extension of 1 - IoU of each class in an image.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class in the mean over an image's classes, (C,); None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.

    Source: Berman et al., "The Lovász-Softmax loss", 2018, with the paper's "present" classes.
    """
    probs, true, labelled = _regions(logits, target, ignore_index)
    errors = (true.float() - probs).abs().masked_fill(~labelled, -1)  # so that void pixels come last
    largest_first, order = errors.sort(dim=-1, descending=True, stable=True)
    true_first = true.gather(-1, order)
    # in whole numbers, whose cumulative sum is deterministic on CUDA
    missed = true_first.cumsum(dim=-1, dtype=torch.int32)
    wrong = (labelled & ~true).gather(-1, order).cumsum(dim=-1, dtype=torch.int32)
    area = missed[..., -1:]
    one_minus_iou = 1 - (area - missed) / (area + wrong).clamp(min=1)
    steps = one_minus_iou.diff(dim=-1, prepend=torch.zeros_like(one_minus_iou[..., :1]))
    return _mean_of_images((largest_first * steps).sum(dim=-1), true, class_weights)


def _regions(logits: Tensor, target: Tensor, ignore_index: int | None) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities (N, C, H * W), 0 on void pixels; whether a pixel is of a class, of that shape; and labelled."""
    ids = target.flatten(1)[:, None]
    labelled = labelled_pixels(ids, ignore_index)
    classes = torch.arange(logits.shape[1], device=logits.device)[:, None]
    return logits.float().flatten(2).softmax(dim=1) * labelled, (ids == classes) & labelled, labelled


def _mean_of_images(losses: Tensor, true: Tensor, class_weights: Weights) -> LossTerms:
    """The weighted mean over the classes that an image has, each image as an element.

    Args:
        losses: Loss of each class in each image, (N, C).
        true: Whether a pixel is of a class, (N, C, P).
        class_weights: Weight of each class, (C,).
    """
    weight = weights_on(losses.device, class_weights)
    weights = true.any(dim=-1).float() if weight is None else true.any(dim=-1) * weight
    total = weights.sum(dim=1)
    return LossTerms.of((losses * weights).sum(dim=1) / total.clamp(min=1e-12), total > 0)
