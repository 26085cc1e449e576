"""Losses of tags: each tag of an image is an element, so the mean over a split does not depend on its batches.

The weight of a tag scales its loss but not the divisor of the mean, as in torch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.losses.segmentation import focused
from triptych.losses.terms import LossTerms, Weights, weights_on


def binary_cross_entropy(
    logits: Tensor, target: Tensor, tag_weights: Weights = None, *, label_smoothing: float = 0.0
) -> LossTerms:
    """Binary cross-entropy of each tag.

    Args:
        logits: (N, L); computed in float32.
        target: 0 or 1, float32 (N, L).
        tag_weights: Weight of each tag, (L,); None weights all equally.
        label_smoothing: By how much a label moves towards 0.5, in [0, 1): 0 and 1 become s / 2 and 1 - s / 2.
    """
    smoothed = target * (1 - label_smoothing) + label_smoothing / 2
    weight = weights_on(logits.device, tag_weights)
    losses = F.binary_cross_entropy_with_logits(logits.float(), smoothed, weight, reduction="none")
    return LossTerms.of(losses, torch.ones_like(losses))


def binary_focal(
    logits: Tensor, target: Tensor, tag_weights: Weights = None, *, gamma: float = 2.0, alpha: float | None = None
) -> LossTerms:
    """Focal loss of each tag: binary cross-entropy in which a tag counts less, the surer its true value.

    Args:
        logits: (N, L); computed in float32.
        target: 0 or 1, float32 (N, L).
        tag_weights: Weight of each tag, (L,); None weights all equally.
        gamma: How fast the weight falls with the probability p of the true value, (1 - p) ** gamma; at least 0.
        alpha: Weight of positive labels, in [0, 1); negative ones weigh 1 - alpha. None weights both by 1.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    positives, negatives = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    return _by_label(
        focused(F.softplus(-logits.float()), gamma) * positives,
        focused(F.softplus(logits.float()), gamma) * negatives,
        target,
        tag_weights,
    )


def asymmetric(
    logits: Tensor,
    target: Tensor,
    tag_weights: Weights = None,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
) -> LossTerms:
    """Asymmetric loss: a focal loss that focuses negative labels more, and leaves out those that are easy.

    The mean over tags and images, as for the other losses; the authors' code sums over both.

    Args:
        logits: (N, L); computed in float32.
        target: 0 or 1, float32 (N, L).
        tag_weights: Weight of each tag, (L,); None weights all equally.
        gamma_neg: `gamma` of negative labels, at least 0.
        gamma_pos: `gamma` of positive labels, at least 0.
        clip: Probability below which a negative label has no loss, in [0, 1); higher ones are lowered by it.

    Source: Ridnik et al., "Asymmetric Loss For Multi-Label Classification", 2021.
    """
    logits = logits.float()
    negative = -(torch.sigmoid(-logits) + clip).clamp(max=1).log() if clip else F.softplus(logits)
    return _by_label(focused(F.softplus(-logits), gamma_pos), focused(negative, gamma_neg), target, tag_weights)


def _by_label(positive: Tensor, negative: Tensor, target: Tensor, tag_weights: Weights) -> LossTerms:
    """Terms from the loss of each tag if its label is 1 and if it is 0, both (N, L)."""
    losses = target * positive + (1 - target) * negative
    weight = weights_on(losses.device, tag_weights)
    return LossTerms.of(losses if weight is None else losses * weight, torch.ones_like(losses))
