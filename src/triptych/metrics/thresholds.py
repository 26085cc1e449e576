"""F-scores of tags, and the thresholds that maximise them."""

import torch
from torch import Tensor

CANDIDATES = torch.arange(0.01, 1.0, 0.01)
"""The thresholds that are tried."""

_ROUNDING = 1e-9
"""Smaller differences in F2 are rounding, in float64."""


def f_beta(preds: Tensor, target: Tensor, beta: float = 2.0) -> Tensor:
    """F-score of each tile, over its tags; 0 without true positives, also for a tile without tags, as in fast.ai's.

    Shape: preds and target (N, L), bool or 0 and 1; result float (N,).
    Source: the competition's metric; fast.ai's `fbeta`.
    """
    true_positives = (preds.bool() & target.bool()).sum(dim=1)
    weight = beta**2
    return (1 + weight) * true_positives / (weight * target.sum(dim=1) + preds.sum(dim=1)).clamp(min=1e-9)


def best_threshold(probabilities: Tensor, target: Tensor) -> float:
    """The single threshold for all tags with the highest mean F2 over tiles; the lowest if several are equal.

    Shape: probabilities (N, L) in [0, 1], target (N, L).
    """
    return float(CANDIDATES[_best_single(_exceeded(probabilities), target.cpu().bool())])


def best_thresholds(probabilities: Tensor, target: Tensor, rounds: int = 2) -> Tensor:
    """One threshold per tag: starts from the best single one and improves the mean F2 over tiles, tag by tag.

    A tag's threshold changes only if F2 rises. A tag that no tile has keeps the single one.

    Args:
        probabilities: (N, L) in [0, 1].
        target: (N, L).
        rounds: Number of passes over all tags.

    Returns:
        (L,).
    """
    exceeded, target = _exceeded(probabilities), target.cpu().bool()
    indices = torch.full((target.shape[1],), _best_single(exceeded, target))
    for _ in range(rounds):
        for tag in target.any(dim=0).nonzero().flatten().tolist():
            scores = _f2_by_candidate(tag, exceeded, target, indices)
            best = _lowest_best(scores)
            if scores[best] > scores[indices[tag]] + _ROUNDING:
                indices[tag] = best
    return CANDIDATES[indices]


def _exceeded(probabilities: Tensor) -> Tensor:
    """Number of candidates that each probability exceeds, (N, L): with these candidates the tag is predicted."""
    return torch.bucketize(probabilities.cpu().float(), CANDIDATES)


def _lowest_best(scores: Tensor) -> int:
    return int((scores >= scores.max() - _ROUNDING).int().argmax())


def _best_single(exceeded: Tensor, target: Tensor) -> int:
    """Index of the best single candidate for all tags."""
    predicted, true_positives = torch.zeros(2, len(target), len(CANDIDATES) + 1, dtype=torch.float64)
    predicted.scatter_add_(1, exceeded, torch.ones_like(exceeded, dtype=torch.float64))
    true_positives.scatter_add_(1, exceeded, target.double())
    predicted, true_positives = _from_above(predicted), _from_above(true_positives)
    return _lowest_best(_f2(true_positives, target.sum(dim=1)[:, None], predicted).mean(dim=0))


def _f2_by_candidate(tag: int, exceeded: Tensor, target: Tensor, indices: Tensor) -> Tensor:
    """Mean F2 with each candidate as the threshold of one tag; the others keep the candidates at `indices`."""
    preds = exceeded > indices
    preds[:, tag] = False
    true_positives, support, predicted = (preds & target).sum(dim=1), target.sum(dim=1), preds.sum(dim=1)
    without = _f2(true_positives, support, predicted)
    gain = _f2(true_positives + target[:, tag], support, predicted + 1) - without
    # a tile gains with every candidate below its probability
    gains = torch.zeros(len(CANDIDATES) + 1, dtype=torch.float64).scatter_add_(0, exceeded[:, tag], gain)
    return (without.sum() + _from_above(gains)) / len(target)


def _from_above(counts: Tensor) -> Tensor:
    """For each candidate, the sum over what exceeds it. Shape: (..., candidates + 1) to (..., candidates)."""
    return counts.flip(-1).cumsum(dim=-1).flip(-1)[..., 1:]


def _f2(true_positives: Tensor, support: Tensor, predicted: Tensor) -> Tensor:
    return 5 * true_positives.double() / (4 * support + predicted).clamp(min=1e-9)


def honest_gain(
    probabilities: Tensor, target: Tensor, current: float, splits: int = 10, seed: int = 0
) -> dict[str, float]:
    """Mean F2 of fixed and of chosen thresholds, on tiles that the thresholds were not chosen on.

    The tiles are split into two random halves; thresholds are chosen on one half and scored on the other, and vice
    versa. The result is the mean over the splits.

    Args:
        probabilities: (N, L) in [0, 1].
        target: (N, L).
        current: The fixed threshold to compare with.
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
