"""Which classes of masks are rare: what a drive shows little of is what a model of it misses."""

from collections.abc import Sequence

_SHARE = 0.25
"""A class is rare if it has less than this part of an even share of the pixels."""


def rare_classes(counts: Sequence[int]) -> list[int]:
    """The ids of the classes with pixels, but with less than a quarter of an even share of them.

    Of CamVid's 11 classes these are poles, signs, fences, pedestrians and cyclists.

    Args:
        counts: Number of labelled pixels of each class, 0 for void.

    Examples:
        >>> rare_classes([900, 90, 10, 0])
        [2]
    """
    present = [count for count in counts if count]
    return [index for index, count in enumerate(counts) if 0 < count * len(present) < _SHARE * sum(present)]
