"""F-scores of tags, and thresholds that are chosen for them."""

import torch
from torch import Tensor

CANDIDATES = torch.arange(0.01, 1.0, 0.01)
"""The thresholds among which the best are looked for."""

_GAIN = 1e-9
"""Less than this is rounding, in float64."""


def f_beta(chosen: Tensor, target: Tensor, beta: float = 2.0) -> Tensor:
    """F-score of each tile, over its tags; zero where no tag is right, also on a tile without tags, as in fast.ai's.

    Shape: chosen and target (N, L), bool or 0 and 1; result float (N,).
    Source: the competition's measure; fast.ai's `fbeta`.
    """
    hits = (chosen.bool() & target.bool()).sum(dim=1)
    weight = beta**2
    return (1 + weight) * hits / (weight * target.sum(dim=1) + chosen.sum(dim=1)).clamp(min=1e-9)


def best_threshold(probabilities: Tensor, target: Tensor) -> float:
    """The one threshold with the highest mean F2 over tiles; the lowest of equals.

    Shape: probabilities (N, L) in [0, 1], target (N, L).
    """
    return float(CANDIDATES[_best_single(_exceeded(probabilities), target.cpu().bool())])


def best_thresholds(probabilities: Tensor, target: Tensor, rounds: int = 2) -> Tensor:
    """A threshold for each tag, from the best single one on improved tag by tag for the mean F2 over tiles.

    A tag's threshold is changed only where F2 gains by it. A tag that no tile has keeps the single one, since these
    tiles tell nothing of it.

    Args:
        probabilities: (N, L) in [0, 1].
        target: (N, L).
        rounds: How often all tags are gone through.

    Returns:
        (L,).
    """
    exceeded, target = _exceeded(probabilities), target.cpu().bool()
    places = torch.full((target.shape[1],), _best_single(exceeded, target))
    for _ in range(rounds):
        for tag in target.any(dim=0).nonzero().flatten().tolist():
            scores = _f2_by_threshold_of(tag, exceeded, target, places)
            best = _first_of_highest(scores)
            if scores[best] > scores[places[tag]] + _GAIN:
                places[tag] = best
    return CANDIDATES[places]


def _exceeded(probabilities: Tensor) -> Tensor:
    """How many of the candidates each probability is above, (N, L): a tag is given by the candidates before that."""
    return torch.bucketize(probabilities.cpu().float(), CANDIDATES)


def _first_of_highest(scores: Tensor) -> int:
    return int((scores >= scores.max() - _GAIN).int().argmax())


def _best_single(exceeded: Tensor, target: Tensor) -> int:
    """Number of the best candidate for all tags."""
    given, hits = torch.zeros(2, len(target), len(CANDIDATES) + 1, dtype=torch.float64)
    given.scatter_add_(1, exceeded, torch.ones_like(exceeded, dtype=torch.float64))
    hits.scatter_add_(1, exceeded, target.double())
    given, hits = _from_above(given), _from_above(hits)
    return _first_of_highest(_f2(hits, target.sum(dim=1)[:, None], given).mean(dim=0))


def _f2_by_threshold_of(tag: int, exceeded: Tensor, target: Tensor, places: Tensor) -> Tensor:
    """Mean F2 with each candidate as the threshold of one tag and the others' at their `places`."""
    chosen = exceeded > places
    chosen[:, tag] = False
    hits, support, given = (chosen & target).sum(dim=1), target.sum(dim=1), chosen.sum(dim=1)
    without = _f2(hits, support, given)
    gain = _f2(hits + target[:, tag], support, given + 1) - without
    # a tile gains with every candidate below its probability
    gains = torch.zeros(len(CANDIDATES) + 1, dtype=torch.float64).scatter_add_(0, exceeded[:, tag], gain)
    return (without.sum() + _from_above(gains)) / len(target)


def _from_above(counts: Tensor) -> Tensor:
    """For each candidate the sum over all that exceed it. Shape: (..., candidates + 1) to (..., candidates)."""
    return counts.flip(-1).cumsum(dim=-1).flip(-1)[..., 1:]


def _f2(hits: Tensor, support: Tensor, given: Tensor) -> Tensor:
    return 5 * hits.double() / (4 * support + given).clamp(min=1e-9)


def honest_gain(
    probabilities: Tensor, target: Tensor, current: float, splits: int = 10, seed: int = 0
) -> dict[str, float]:
    """What chosen thresholds gain in F2 on tiles that they were not chosen on.

    The tiles are split in two halves at random; thresholds are chosen on one and scored on the other, and the other way
    round; the mean over the splits is told.

    Args:
        probabilities: (N, L) in [0, 1].
        target: (N, L).
        current: The fixed threshold that they are compared with.
        splits: Number of random splits.
        seed: Seed of the splits.

    Returns:
        F2 with the `fixed`, the best `single` and the best `per_tag` thresholds.
    """
    generator = torch.Generator().manual_seed(seed)
    scores: dict[str, list[Tensor]] = {"fixed": [], "single": [], "per_tag": []}
    for _ in range(splits):
        halves = torch.randperm(len(target), generator=generator).tensor_split(2)
        for chosen_on, scored_on in (halves, halves[::-1]):
            thresholds: dict[str, float | Tensor] = {
                "fixed": current,
                "single": best_threshold(probabilities[chosen_on], target[chosen_on]),
                "per_tag": best_thresholds(probabilities[chosen_on], target[chosen_on]),
            }
            for name, threshold in thresholds.items():
                scores[name].append(f_beta(probabilities[scored_on] > threshold, target[scored_on]).mean())
    return {name: float(torch.stack(values).mean()) for name, values in scores.items()}
