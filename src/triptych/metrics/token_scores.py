"""Scores of the next tokens of a text."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

NO_TOKEN = -100
"""In place of a next token where none is known, torch's own."""


class TokenScores(Metric):
    """Perplexity, the exponential of the mean cross-entropy, and accuracy of the next token.

    Args:
        kwargs: See `torchmetrics.Metric`.

    Shape: logits (N, T, V), target int64 (N, T), -100 where no token is known; results scalars.
    """

    is_differentiable = False
    full_state_update = False

    nats: Tensor
    hits: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        exact = torch.float32 if torch.backends.mps.is_available() else torch.float64
        self.add_state("nats", torch.zeros((), dtype=exact), dist_reduce_fx="sum")
        self.add_state("hits", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Adds the tokens of one batch."""
        known = target != NO_TOKEN
        logits, target = logits.float().flatten(0, 1), target.flatten()
        self.nats += F.cross_entropy(logits, target, ignore_index=NO_TOKEN, reduction="sum")
        self.hits += (logits.argmax(dim=1) == target).sum()
        self.count += known.sum()

    def compute(self) -> dict[str, Tensor]:
        """Scalars `perplexity`, at least 1, and `accuracy` in [0, 1], over all tokens seen."""
        return {"perplexity": (self.nats / self.count).exp().float(), "accuracy": self.hits / self.count}
