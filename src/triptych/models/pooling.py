"""Pooling of what a recurrent network gives for each token of a text."""

import torch
from torch import Tensor


class ConcatPooling:
    """Last, maximum and mean of the activations of a text's last tokens, of which it takes one chunk after another.

    Padding and the tokens before those have no influence and get no gradient, and nothing of a chunk is kept but what
    its gradient needs. The mean is computed in float32 at least.

    Args:
        sizes: Number of tokens of each text, at least 1. Shape: int64 (N,).
        max_len: Number of a text's last tokens that are pooled.
    """

    def __init__(self, sizes: Tensor, max_len: int) -> None:
        self._sizes, self._max_len = sizes[:, None], max_len
        self._pooled: tuple[Tensor, Tensor, Tensor] | None = None

    def add(self, activations: Tensor, start: int) -> None:
        """Takes the activations of the tokens from position `start` on. Shape: (N, T, C)."""
        positions = torch.arange(start, start + activations.shape[1], device=activations.device)
        pooled = ((positions < self._sizes) & (positions >= self._sizes - self._max_len))[..., None]
        exact = torch.promote_types(activations.dtype, torch.float32)
        last = _sum(activations, (positions == self._sizes - 1)[..., None], exact)
        maximum = activations.masked_fill(~pooled, -torch.inf).amax(dim=1)
        total = _sum(activations, pooled, exact)
        if self._pooled is not None:
            last_before, maximum_before, total_before = self._pooled
            last, maximum, total = last_before + last, torch.maximum(maximum_before, maximum), total_before + total
        self._pooled = last, maximum, total

    def result(self) -> Tensor:
        """Last, maximum and mean. Shape: (N, 3 * C)."""
        assert self._pooled is not None
        last, maximum, total = self._pooled
        return torch.cat([last, maximum, total / self._sizes.clamp(max=self._max_len)], dim=1)


def _sum(activations: Tensor, taken: Tensor, exact: torch.dtype) -> Tensor:
    """Sum over the time steps that are taken. Shape: (N, T, C) and (N, T, 1); result (N, C)."""
    return activations.masked_fill(~taken, 0).sum(dim=1, dtype=exact)
