"""The logits of an image that is too large for a network, from overlapping tiles.

The logits of neighbouring tiles are blended in their overlap: the weight of a tile falls linearly to its margin, where
the network sees the least around a pixel, and that of its neighbour rises. Weights add up to 1, so there is no seam.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

STRIDE = 32
"""Tiles begin at multiples of it, so that an encoder sees the pixels on the same grid as in the whole image."""
_OVERLAP = 1 / 8
"""Fraction of a tile that a neighbour covers too."""


class Block(NamedTuple):
    """The final logits (C, h, w) of some rows and columns of an image."""

    rows: slice
    columns: slice
    logits: Tensor


class _Span(NamedTuple):
    """The pixels of a tile along one side: from `start` to `stop`, final before `done`; and their weights."""

    start: int
    stop: int
    done: int
    weights: Tensor


def blended(network: Callable[[Tensor], Tensor], image: Tensor, tile: int) -> Iterator[Block]:
    """The logits of an image in blocks, which cover it once.

    Of all logits only those of a tile and of the overlap with the tiles below are in memory.

    Args:
        network: Gives logits (N, C, H, W) for images (N, channels, H, W) of any size.
        image: The image, (channels, H, W).
        tile: Longest side of a tile in pixels, at least 2 * `STRIDE`; rounded down to a multiple of `STRIDE`.
    """
    rows, columns = (_spans(length, tile, image.device) for length in image.shape[1:])
    below = torch.empty(0)
    for row in rows:
        right = torch.empty(0)
        for column in columns:
            logits = network(image[None, :, row.start : row.stop, column.start : column.stop])[0].float()
            logits = logits.mul_(row.weights[:, None]).mul_(column.weights)
            if column.start:
                logits[..., : right.shape[2]] += right
            right = logits[..., column.done - column.start :].clone()
            final = logits[..., : column.done - column.start]
            at = slice(column.start, column.done)
            if row.start:
                final[:, : below.shape[1]] += below[..., at]
            elif not column.start:
                below = final.new_empty(len(final), row.stop - row.done, image.shape[2])
            below[:, : row.stop - row.done, at] = final[:, row.done - row.start :]
            yield Block(slice(row.start, row.done), at, final[:, : row.done - row.start])


def _spans(length: int, tile: int, device: torch.device) -> list[_Span]:
    """The tiles along a side: as few as possible, of equal lengths but for the last, which may be shorter."""
    tile = tile // STRIDE * STRIDE
    overlap = max(STRIDE, int(_OVERLAP * tile) // STRIDE * STRIDE)
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    size = math.ceil((length + (count - 1) * overlap) / count / STRIDE) * STRIDE
    rising = (torch.arange(overlap, device=device) + 0.5) / overlap
    spans = []
    for index in range(count):
        is_last, start = index == count - 1, index * (size - overlap)
        stop = length if is_last else start + size
        weights = torch.ones(stop - start, device=device)
        if index:
            weights[:overlap] = rising
        if not is_last:
            weights[-overlap:] = 1 - rising
        spans.append(_Span(start, stop, stop if is_last else stop - overlap, weights))
    return spans


def tiled_ids(network: Callable[[Tensor], Tensor], image: Tensor, tile: int) -> Tensor:
    """The class with the highest logit of each pixel of an image, uint8 (H, W); see `blended`."""
    ids = torch.empty(image.shape[1:], dtype=torch.uint8, device=image.device)
    for rows, columns, logits in blended(network, image, tile):
        ids[rows, columns] = logits.max(dim=0).indices
    return ids
