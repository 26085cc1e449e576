"""The side of the tiles in which an image that is too large for a network is predicted, checked."""

import operator

from triptych.datasets.sample import Target

MIN_TILE = 64
"""Shortest side of a tile in pixels: twice the coarsest stride of an encoder."""
_WHOLE = {"point": "points", "labels": "tags"}


def checked_tile(tile: int, target: Target) -> int:
    """`tile`, the longest side of a tile in pixels.

    Raises:
        ValueError: It is less than `MIN_TILE`, or the prediction is not one for each pixel.
    """
    if target in _WHOLE:
        raise ValueError(
            f"tile: expected none, as {_WHOLE[target]} are predicted from a whole image and not from its parts, got "
            f"{tile}; leave it out."
        )
    if not hasattr(tile, "__index__") or operator.index(tile) < MIN_TILE:
        raise ValueError(f"tile: expected at least {MIN_TILE} pixels, got {tile}.")
    return operator.index(tile)
