"""How far a score, or the difference of two, may be chance: the bootstrap over the images of a split."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

RESAMPLES, LEVEL = 1000, 0.95
_AT_ONCE = 10**7
"""Numbers of one block of draws, so that memory stays small for many images."""


def score_interval(
    scores: Callable[[Tensor], Tensor],
    summands: Tensor,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Interval of a model's scores, from images that are drawn anew with replacement.

    Images are taken as independent. Where they are not, such as frames of one drive, sum over each group first, and
    whole groups are drawn.

    Args:
        scores: The scores (R, M) for sums (R, S) over images.
        summands: Summands of each image, or of each group of images, (N, S).
        resamples: Number of draws.
        level: Fraction of the draws whose scores lie in the interval.
        seed: Seed of the draws.

    Returns:
        Least and largest value of each score, float64 (M,).

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, the percentile interval.
    """
    return _bounds([scores(sums) for (sums,) in _sums((summands,), resamples, seed)], level)


def difference_interval(
    scores: Callable[[Tensor], Tensor],
    first: Tensor,
    second: Tensor,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Interval of the differences between two models' scores; see `score_interval`.

    Both models get the same draws, so that an image that is hard for both does not widen the interval.

    Args:
        scores: The scores (R, M) for sums (R, S) over images.
        first: Summands of each image, or of each group of images, with the first model, (N, S).
        second: Those with the second model.
        resamples: Number of draws.
        level: Fraction of the draws whose differences lie in the interval.
        seed: Seed of the draws.

    Returns:
        Least and largest `second - first` of each score, float64 (M,).
    """
    sums = _sums((first, second), resamples, seed)
    return _bounds([scores(after) - scores(before) for before, after in sums], level)


def _sums(models: tuple[Tensor, ...], resamples: int, seed: int) -> Iterator[list[Tensor]]:
    """The sums (R, S) of each model's summands over the same draws, a block of draws after another."""
    generator, count = torch.Generator().manual_seed(seed), len(models[0])
    at_once = max(_AT_ONCE // count, 1)
    for done in range(0, resamples, at_once):
        drawn = torch.randint(count, (min(at_once, resamples - done), count), generator=generator)
        times = torch.zeros(drawn.shape, dtype=torch.float64)
        times.scatter_add_(1, drawn, torch.ones_like(times))
        yield [times @ summands.double() for summands in models]


def _bounds(drawn: list[Tensor], level: float) -> tuple[Tensor, Tensor]:
    tail = (1 - level) / 2
    tails = torch.tensor([tail, 1 - tail], dtype=torch.float64)
    least, largest = torch.cat(drawn).double().nanquantile(tails, dim=0)
    return least, largest
