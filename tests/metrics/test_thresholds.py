"""Thresholds are the best there are on the predictions they are chosen on, and their gain is measured on others."""

import pytest
import torch
from torch import Tensor

from triptych.metrics import thresholds
from triptych.metrics.thresholds import CANDIDATES, best_threshold, best_thresholds, f_beta, honest_gain


def tiles(seed: int, count: int, labels: int = 5, signal: float = 0.4) -> tuple[Tensor, Tensor]:
    """Tags of uneven frequency, and probabilities that know them by `signal`."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(count, labels, generator=generator) < torch.linspace(0.8, 0.1, labels)
    return signal * target + (1 - signal) * torch.rand(count, labels, generator=generator), target


def shifted(seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Tags that are separated perfectly, each at a threshold of its own."""
    generator = torch.Generator().manual_seed(seed)
    limits = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])
    target = torch.rand(count, 5, generator=generator) < 0.5
    return limits + (0.02 + 0.06 * torch.rand(count, 5, generator=generator)) * torch.where(target, 1, -1), target


def with_tags(target: Tensor) -> float:
    """Fraction of tiles that have tags at all, hence the highest F2."""
    return target.any(dim=1).double().mean().item()


def mean_f2(probabilities: Tensor, target: Tensor, threshold: float | Tensor) -> float:
    return f_beta(probabilities > threshold, target).double().mean().item()


def test_candidates_are_whole_hundredths_between_nothing_and_all() -> None:
    torch.testing.assert_close(CANDIDATES, torch.tensor([number / 100 for number in range(1, 100)]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 7, 60])
def test_the_single_threshold_is_the_lowest_of_the_best_candidates(seed: int, count: int) -> None:
    probabilities, target = tiles(seed, count)
    scores = [mean_f2(probabilities, target, candidate) for candidate in CANDIDATES]
    expected = next(c for c, score in zip(CANDIDATES, scores, strict=True) if score > max(scores) - 1e-7)
    assert best_threshold(probabilities, target) == expected


def slow_thresholds(probabilities: Tensor, target: Tensor) -> Tensor:
    """Every candidate tried for every tag by the whole F2, twice round."""
    found = torch.full((target.shape[1],), best_threshold(probabilities, target))
    for tag in [*range(target.shape[1])] * 2:
        if not target[:, tag].any():
            continue
        best = mean_f2(probabilities, target, found)
        for candidate in CANDIDATES:
            tried = found.clone()
            tried[tag] = candidate
            if (score := mean_f2(probabilities, target, tried)) > best + 1e-7:
                best, found = score, tried
    return found


@pytest.mark.parametrize("seed", range(3))
def test_thresholds_of_tags_are_those_of_a_slow_search(seed: int) -> None:
    probabilities, target = tiles(seed, 25)
    target[:, 3] = False
    torch.testing.assert_close(best_thresholds(probabilities, target), slow_thresholds(probabilities, target))


@pytest.mark.parametrize("signal", [0.0, 0.3, 0.8])
def test_one_for_each_tag_is_never_worse_than_the_single_one_on_the_same_tiles(signal: float) -> None:
    for seed in range(10):
        probabilities, target = tiles(seed, 40, labels=17, signal=signal)
        single, per_tag = best_threshold(probabilities, target), best_thresholds(probabilities, target)
        assert torch.equal(per_tag, best_thresholds(probabilities, target))
        assert mean_f2(probabilities, target, per_tag) >= mean_f2(probabilities, target, single) - 1e-7
        assert all(
            mean_f2(probabilities, target, single) >= mean_f2(probabilities, target, c) - 1e-7 for c in (0.2, 0.5)
        )


def test_planted_thresholds_are_found() -> None:
    probabilities, target = shifted(0, 400)
    found = best_thresholds(probabilities, target)
    torch.testing.assert_close(found, torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9]), atol=0.03, rtol=0)
    assert mean_f2(probabilities, target, found) == pytest.approx(with_tags(target))


def test_a_planted_single_threshold_is_the_lowest_that_separates_all() -> None:
    probabilities, target = tiles(0, 50)
    probabilities = torch.where(target, 0.45 + probabilities / 2, 0.295 * probabilities)
    probabilities[target.logical_not().nonzero().unbind(1)] += 0.295 - probabilities[~target].max()
    assert best_threshold(probabilities, target) == pytest.approx(0.3)
    assert mean_f2(probabilities, target, 0.3) == pytest.approx(with_tags(target))


def test_a_tag_that_no_tile_has_keeps_the_single_one() -> None:
    probabilities, target = shifted(1, 100)
    target[:, 4] = False  # its threshold could be raised to win F2
    found, single = best_thresholds(probabilities, target), best_threshold(probabilities, target)
    assert found[4] == single
    assert (probabilities[:, 4] > single).any()
    assert (found[:4] != single).any()


def test_nothing_but_tiles_without_tags_gives_the_lowest_candidate() -> None:
    probabilities, target = torch.rand(5, 3), torch.zeros(5, 3)
    assert best_threshold(probabilities, target) == CANDIDATES[0]
    assert torch.equal(best_thresholds(probabilities, target), CANDIDATES[:1].expand(3))


def test_halves_are_disjoint_and_no_half_is_scored_with_its_own_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    count, chosen_on, scored_on = 21, [], []
    target = torch.rand(count, 3, generator=torch.Generator().manual_seed(0)) < 0.5
    probabilities = (torch.arange(count)[:, None] / count + torch.zeros(3)).contiguous()  # identifies the tile

    def numbers(of: Tensor) -> set[int]:
        return {int(number) for number in (of[:, 0] * count).round()}

    def score(chosen: Tensor, of: Tensor) -> Tensor:
        scored_on.append(of)
        return f_beta(chosen, of)

    def choose(of: Tensor, _: Tensor) -> Tensor:
        chosen_on.append(numbers(of))
        return torch.full((3,), 0.5)

    monkeypatch.setattr(thresholds, "best_threshold", lambda *_: 0.5)
    monkeypatch.setattr(thresholds, "best_thresholds", choose)
    monkeypatch.setattr(thresholds, "f_beta", score)
    honest_gain(probabilities, target, 0.2, splits=3)
    assert len(chosen_on) == 6
    assert len(scored_on) == 18
    everything = set(range(count))
    for number, half in enumerate(chosen_on):
        other = sorted(everything - half)
        for of in scored_on[3 * number : 3 * number + 3]:
            assert sorted(map(tuple, of.tolist())) == sorted(map(tuple, target[other].tolist()))
        assert len(half) in (10, 11)
    assert [a | b for a, b in zip(chosen_on[::2], chosen_on[1::2], strict=True)] == [everything] * 3
    assert chosen_on[0] not in chosen_on[2:]


def test_the_gain_repeats_and_follows_its_seed() -> None:
    probabilities, target = tiles(0, 60)
    first = honest_gain(probabilities, target, 0.2)
    assert honest_gain(probabilities, target, 0.2) == first
    assert honest_gain(probabilities, target, 0.2, seed=1) != first
    assert list(first) == ["fixed", "single", "per_tag"]


@pytest.mark.parametrize("seed", range(3))
def test_noise_gains_on_the_tiles_chosen_on_but_not_honestly(seed: int) -> None:
    """The best on noise is to give every tag, which the fixed threshold does already."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(60, 17, generator=generator) < 0.15
    probabilities = 0.05 + 0.95 * torch.rand(60, 17, generator=generator)
    own = mean_f2(probabilities, target, best_thresholds(probabilities, target))
    gain = honest_gain(probabilities, target, 0.01)
    assert own > mean_f2(probabilities, target, 0.01) + 0.02
    assert -0.1 < gain["per_tag"] - gain["fixed"] <= 0
    assert -0.05 < gain["single"] - gain["fixed"] <= 0


def test_planted_thresholds_gain_honestly() -> None:
    probabilities, target = shifted(2, 200)
    gain = honest_gain(probabilities, target, 0.2)
    assert gain["per_tag"] > gain["single"] + 0.1
    assert gain["single"] >= gain["fixed"] - 0.01
    assert gain["per_tag"] == pytest.approx(with_tags(target), abs=0.03)


def test_a_validation_of_thousands_of_tiles_takes_a_second_or_two() -> None:
    import time

    probabilities, target = tiles(0, 8000, labels=17)
    start = time.perf_counter()
    honest_gain(probabilities, target, 0.2)
    assert time.perf_counter() - start < 3
