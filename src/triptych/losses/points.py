"""Loss for points."""

import torch
from torch import Tensor

from triptych.losses.terms import LossTerms


def squared_error(preds: Tensor, target: Tensor) -> LossTerms:
    """Squared error of each coordinate. Shape: preds and target (N, P, 2)."""
    losses = (preds.float() - target).square()
    return LossTerms.of(losses, torch.ones_like(losses))
