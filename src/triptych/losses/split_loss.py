"""The mean loss over a split."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from triptych.losses.terms import EXACT, LossTerms


class SplitLoss(Metric):
    """Mean loss over a split, the same for any batch size and number of processes.

    Unlike torchmetrics' `MeanMetric` it does not compute in float32 after a move to a device.

    Args:
        num_terms: Number of losses in a weighted sum; the means of these losses are added.
        kwargs: See `torchmetrics.Metric`.

    Shape: result a float64 scalar, NaN if nothing has a weight.
    """

    is_differentiable = False
    full_state_update = False

    sum: Tensor
    weight: Tensor

    def __init__(self, num_terms: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("sum", "weight"):
            self.add_state(name, torch.zeros(num_terms, dtype=EXACT), dist_reduce_fx="sum")

    def update(self, terms: LossTerms) -> None:
        """Adds the terms of one batch."""
        # not in place: a state that was reset in inference mode cannot be changed outside of it
        self.sum = self.sum + terms.sum
        self.weight = self.weight + terms.weight

    def compute(self) -> Tensor:
        """The mean loss."""
        return (self.sum / self.weight).sum()
