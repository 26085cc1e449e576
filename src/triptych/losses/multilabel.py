"""Loss for tags."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.losses.terms import LossTerms


def binary_cross_entropy(logits: Tensor, target: Tensor, tag_weights: Sequence[float] | None = None) -> LossTerms:
    """Binary cross-entropy of each tag; a tag's weight scales its loss but not the mean's divisor, as in torch.

    Args:
        logits: (N, L); computed in float32.
        target: 0 or 1, float32 (N, L).
        tag_weights: Weight of each tag, (L,); None weights all equally.
    """
    weight = None if tag_weights is None else torch.tensor(tag_weights, dtype=torch.float32, device=logits.device)
    losses = F.binary_cross_entropy_with_logits(logits.float(), target, weight, reduction="none")
    return LossTerms.of(losses, torch.ones_like(losses))
