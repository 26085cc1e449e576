"""The class of each pixel in the size of a file, without an array of logits of that size."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_STRIP_VALUES = 2**21
"""Logits of a strip of rows, 8 MB: they stay in the cache of a processor."""


def resized_ids(logits: Tensor, size: Sequence[int]) -> Tensor:
    """The class with the highest logit of each pixel, after bilinear resizing as by `torch.nn.functional.interpolate`.

    The rows are computed in strips; the result does not depend on how they are cut.

    Args:
        logits: Logits of one image, float32.
        size: (height, width) in pixels of the result.

    Shape: logits (C, h, w); result uint8 (height, width).
    """
    height, width = size
    ids = torch.empty(height, width, dtype=torch.uint8, device=logits.device)
    for rows in _strips(height, max(1, _STRIP_VALUES // (len(logits) * width))):
        ids[rows] = _resized_rows(logits, rows, height, width).max(dim=0).indices  # faster than argmax
    return ids


def _strips(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _resized_rows(logits: Tensor, rows: slice, height: int, width: int) -> Tensor:
    """Some rows of the resized logits, (C, rows, width).

    A row lies between two of the given ones, which are resized along their length alone. Each value comes from
    products and a sum that are rounded alike wherever it lies in a tensor.
    """
    scale = torch.tensor(logits.shape[1] / height, dtype=torch.float32).double()  # rounded as in torch
    at = (scale * (torch.arange(rows.start, rows.stop, dtype=torch.float64) + 0.5) - 0.5).clamp(min=0).float()
    above = at.long()
    below = (above + 1).clamp(max=logits.shape[1] - 1)
    first, count = int(above[0]), int(below[-1] - above[0]) + 1
    wide = F.interpolate(logits[None, :, first : first + count], (count, width), mode="bilinear")[0]
    above, below, weight = (one.to(logits.device) for one in (above - first, below - first, (at - above)[:, None]))
    return (wide[:, above] * (1 - weight)).add_(wide[:, below] * weight)
