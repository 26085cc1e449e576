"""Loss for masks."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.losses.terms import LossTerms

_NO_CLASS = -100  # torch's own default


def cross_entropy(
    logits: Tensor, target: Tensor, class_weights: Sequence[float] | None = None, ignore_index: int | None = None
) -> LossTerms:
    """Cross-entropy of the labelled pixels; a pixel has the weight of its class.

    Args:
        logits: (N, C, H, W); computed in float32.
        target: Class ids, int64 (N, H, W).
        class_weights: Weight of each class, (C,); None weights all equally.
        ignore_index: Class id of void pixels, left out; None counts every pixel.
    """
    void = _NO_CLASS if ignore_index is None else ignore_index
    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32, device=logits.device)
    losses = F.cross_entropy(logits.float(), target, weight, ignore_index=void, reduction="none")
    labelled = target != void
    return LossTerms.of(losses, labelled if weight is None else weight[target.where(labelled, 0)] * labelled)
