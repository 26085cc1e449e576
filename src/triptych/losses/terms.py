"""A loss as a sum and the weight that it is divided by."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

EXACT = torch.float32 if torch.backends.mps.is_available() else torch.float64
"""Type of sums over a whole split: float64, which Apple's GPUs lack."""

Weights = Sequence[float] | Tensor | None
"""Weight of each class or tag; None weights all equally."""


class LossTerms(NamedTuple):
    """Sum of the weighted losses of all elements, and sum of their weights; both scalars.

    For a weighted sum of K losses both are (K,): each loss has its own elements, and their means add up.

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
        return (self.sum / self.weight.clamp(min=1e-12)).sum()


def weights_on(device: torch.device, weights: Weights) -> Tensor | None:
    """Weights of classes or tags, float32, on a device; None for None.

    Numbers are copied to a device once, since each copy to a GPU makes the host wait. They are no buffer of a task: a
    change of its precision would round them, and an average of weights would average them.
    """
    if weights is None or isinstance(weights, Tensor):
        return None if weights is None else weights.to(device, torch.float32)
    return _copied(device, tuple(weights))


@lru_cache(maxsize=8)
def _copied(device: torch.device, weights: tuple[float, ...]) -> Tensor:
    with torch.inference_mode(False):  # a validation may be the first to ask, and a training step the next
        return torch.tensor(weights, dtype=torch.float32, device=device)
