"""How far the difference of two scores may be chance: the bootstrap over the images of a split."""

from collections.abc import Callable

import torch
from torch import Tensor

RESAMPLES, LEVEL = 1000, 0.95


def difference_interval(
    scores: Callable[[Tensor], Tensor],
    first: Tensor,
    second: Tensor,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Interval of the differences between two models' scores, from images that are drawn anew with replacement.

    Both models get the same draws, so that an image that is hard for both does not widen the interval. Images are taken
    as independent; frames of one drive are not, and their interval is too narrow.

    Args:
        scores: The scores (M,) for the sums (S,) over images.
        first: Summands of each image with the first model, (N, S).
        second: Those with the second model.
        resamples: Number of draws.
        level: Fraction of the draws whose differences lie in the interval.
        seed: Seed of the draws.

    Returns:
        Least and largest `second - first` of each score, float64 (M,).

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, the percentile interval.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(first), (resamples, len(first)), generator=generator)
    times = torch.zeros(resamples, len(first), dtype=torch.float64)
    times.scatter_add_(1, drawn, torch.ones_like(times))
    before, after = (torch.stack([scores(sums) for sums in times @ one.double()]) for one in (first, second))
    tail = (1 - level) / 2
    bounds = (after - before).double().nanquantile(torch.tensor([tail, 1 - tail], dtype=torch.float64), dim=0)
    return bounds[0], bounds[1]
