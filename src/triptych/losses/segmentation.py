"""Losses of classes: each labelled pixel is an element, so the mean over a split does not depend on its batches.

An element may also be a text with its category, or a token with the next one: what follows (N, C) is of any shape.
"""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from triptych.losses.terms import LossTerms, Weights, weights_on

_NO_CLASS = -100
"""torch's own class id of void."""


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    class_weights: Weights = None,
    ignore_index: int | None = None,
    *,
    label_smoothing: float = 0.0,
) -> LossTerms:
    """Cross-entropy of the labelled pixels; a pixel has the weight of its class.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class, (C,); None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.
        label_smoothing: Fraction of a pixel's label that is spread over all classes, in [0, 1), as in torch.
    """
    pixels = _Pixels.of(logits, target, class_weights, ignore_index)
    losses = pixels.losses * pixels.weights
    if label_smoothing:
        weight, by_class = weights_on(logits.device, class_weights), pixels.log_probs
        if weight is not None:
            by_class = by_class * weight.view(-1, *[1] * (target.ndim - 1))
        losses = (1 - label_smoothing) * losses - label_smoothing * by_class.mean(dim=1) * pixels.labelled
    return LossTerms.of(losses, pixels.weights)


def focal(
    logits: Tensor,
    target: Tensor,
    class_weights: Weights = None,
    ignore_index: int | None = None,
    *,
    gamma: float = 2.0,
) -> LossTerms:
    """Focal loss: cross-entropy in which a pixel counts less, the surer its true class; with `gamma` 0 cross-entropy.

    It works on the softmax over the classes; `segmentation_models_pytorch.losses.FocalLoss` takes each class against
    the others, by a sigmoid, which is another loss.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class, (C,), the paper's alpha; None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.
        gamma: How fast the weight falls with the probability p of the true class, (1 - p) ** gamma; at least 0.

    Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    pixels = _Pixels.of(logits, target, class_weights, ignore_index)
    return LossTerms.of(focused(pixels.losses, gamma) * pixels.weights, pixels.weights)


def focused(losses: Tensor, gamma: float) -> Tensor:
    """Cross-entropies -log(p), of any shape, times (1 - p) ** gamma."""
    # for gamma below 1 the slope of the power is infinite at 0
    return losses * (-(-losses).expm1()).clamp(min=1e-12) ** gamma if gamma else losses


def labelled_pixels(target: Tensor, ignore_index: int | None) -> Tensor:
    """Whether a pixel is not void, bool, of any shape."""
    return target != (_NO_CLASS if ignore_index is None else ignore_index)


class _Pixels(NamedTuple):
    """Log-probabilities (N, C, H, W); of each pixel (N, H, W) its cross-entropy, if it is labelled, and its weight."""

    log_probs: Tensor
    losses: Tensor
    labelled: Tensor
    weights: Tensor

    @classmethod
    def of(cls, logits: Tensor, target: Tensor, class_weights: Weights, ignore_index: int | None) -> "_Pixels":
        # `F.cross_entropy` with images has no deterministic implementation on CUDA; the values are the same
        log_probs = F.log_softmax(logits.float(), dim=1)
        labelled = labelled_pixels(target, ignore_index)
        ids = target.masked_fill(~labelled, 0)
        losses = -log_probs.gather(1, ids[:, None])[:, 0]
        weight = weights_on(logits.device, class_weights)
        return cls(log_probs, losses, labelled, labelled if weight is None else weight[ids] * labelled)
