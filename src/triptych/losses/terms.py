"""A loss as a sum and the weight that it is divided by."""

from typing import NamedTuple

import torch
from torch import Tensor

EXACT = torch.float32 if torch.backends.mps.is_available() else torch.float64
"""Type of sums over a whole split: float64, which Apple's GPUs lack."""


class LossTerms(NamedTuple):
    """Sum of the weighted losses of all elements, and sum of their weights; both scalars.

    The terms of a split are the sums of the terms of its batches.
    """

    sum: Tensor
    weight: Tensor

    @classmethod
    def of(cls, losses: Tensor, weights: Tensor) -> "LossTerms":
        """Terms of elementwise losses, already weighted, and their weights. Shape: any."""
        return cls(losses.sum(dtype=EXACT), weights.sum(dtype=EXACT))

    def mean(self) -> Tensor:
        """Mean loss, a scalar; zero if no element has a weight."""
        return self.sum / self.weight.clamp(min=1e-12)
