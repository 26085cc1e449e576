"""What a curve says: the average without bias, where a sweep ends, flat and planted curves, and what is saved."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from triptych.lr_finder import DEFAULT_RULE, RULES, LRSearch, read_curve
from triptych.lr_finder.curve import has_diverged, is_flat, smooth


def test_the_average_has_no_bias_towards_zero() -> None:
    assert smooth([3.0] * 5) == pytest.approx([3.0] * 5)
    assert smooth([1.0, 2.0])[1] == pytest.approx((0.98 * 0.02 * 1 + 0.02 * 2) / (1 - 0.98**2))
    assert math.isnan(smooth([1.0, math.nan])[1])


def test_a_sweep_ends_at_four_times_the_best_but_not_before_the_tenth_point() -> None:
    calm = [1.0] * 9
    assert not has_diverged([1.0] * 8 + [1e9])
    assert has_diverged([*calm, 1e9])
    assert not has_diverged([*calm, 25.0]) and has_diverged([*calm, 30.0])  # about 1 + 3 * 9
    assert has_diverged([math.nan]) and has_diverged([1.0, math.inf])


def test_losses_below_zero_diverge_by_their_range() -> None:
    noise = np.random.default_rng(0).normal(size=200)
    for level in (0.0, -5.0, 0.5):
        assert not any(has_diverged((level + noise[:count]).tolist()) for count in range(1, 200))
    assert has_diverged([*(noise[:50] - 5).tolist(), 2000.0])
    assert not has_diverged([0.0] * 20)


def noisy(shape: str, seed: int, count: int = 100) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return {
        "normal": generator.normal(size=count),
        "skewed": generator.exponential(size=count),
        "wild": generator.standard_t(3, size=count),
    }[shape]


@pytest.mark.parametrize("count", [12, 30, 100])
@pytest.mark.parametrize("shape", ["normal", "skewed", "wild"])
def test_flat_noise_seldom_passes_for_a_fall(shape: str, count: int) -> None:
    verdicts = [is_flat(3 + noisy(shape, seed, count)) for seed in range(400)]
    assert np.mean(verdicts) > 0.97


@pytest.mark.parametrize("shape", ["normal", "skewed", "wild"])
def test_a_fall_of_three_times_the_noise_is_seen(shape: str) -> None:
    place = np.clip((np.arange(100) - 55) / 20, 0, 1)
    spread = noisy(shape, 0, 10_000).std()
    verdicts = [is_flat(10 - 3 * spread * place + noisy(shape, seed)) for seed in range(100)]
    assert np.mean(verdicts) < 0.05


def curve(rates: np.ndarray, best: float = 1e-2, seed: int = 0) -> np.ndarray:
    """Falls to `best`, then diverges."""
    x = np.log10(rates / best)
    noise = 0.03 * np.random.default_rng(seed).normal(size=len(rates))
    return 2 - 1.4 / (1 + np.exp(-4 * (x + 1.2))) + np.exp(4 * np.minimum(x, 1)) / 50 + noise


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("best", [1e-3, 1e-2, 1e-1])
def test_a_planted_curve_gives_a_rate_below_its_best_one(best: float, rule: str) -> None:
    rates = np.logspace(-7, 1, 100)[: np.searchsorted(np.logspace(-7, 1, 100), 5 * best)]
    search = read_curve(rates.tolist(), curve(rates, best).tolist(), rule)
    assert set(search.suggestions) == set(RULES)
    if rule != "slide":  # it takes the window's left end, far down
        assert best / 200 < search.rate < 3 * best
    assert search.rate == search.suggestions[rule]
    assert search.verdict == f"{rule} suggests {search.rate:.1e}"


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ([1.0] * 100, "the curve is flat (or only rises): keep 2.0e-03"),
        (np.linspace(1, 3, 60).tolist(), "the curve is flat (or only rises): keep 2.0e-03"),
        ((1 + np.random.default_rng(0).normal(size=100)).tolist(), "the curve is flat (or only rises): keep 2.0e-03"),
        ([3.0, 2.0, 1.0, 0.5, math.nan], "only 4 points before the loss was NaN or infinite: keep 2.0e-03"),
        ([3.0, math.inf], "only 1 point before the loss was NaN or infinite: keep 2.0e-03"),
        ([math.nan], "only 0 points before the loss was NaN or infinite: keep 2.0e-03"),
        ([2.0, 1.0], "only 2 points, expected at least 10: keep 2.0e-03"),
        ([], "only 0 points, expected at least 10: keep 2.0e-03"),
    ],
)
def test_a_curve_that_suggests_nothing_keeps_the_rate_and_says_why(
    losses: list[float], verdict: str, tmp_path: Path
) -> None:
    search = read_curve(np.logspace(-7, 1, 100)[: len(losses)].tolist(), losses, kept=2e-3)
    assert (search.verdict, search.rate, search.suggestions) == (verdict, 2e-3, {})
    assert search.table().row_count == 1
    search.save(tmp_path)


def test_a_search_is_saved_whole_and_as_valid_json(tmp_path: Path) -> None:
    rates = np.logspace(-7, -1.5, 70)
    search = read_curve(rates.tolist(), [*curve(rates).tolist()[:-1], math.nan])
    search.save(tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["lr_find.json", "lr_find.png"]
    saved = json.loads((tmp_path / "new" / "folder" / "lr_find.json").read_text(), parse_constant=pytest.fail)
    assert saved == search.to_dict() == LRSearch.load(tmp_path / "new" / "folder" / "lr_find.json").to_dict()
    assert saved["losses"][-1] is None and saved["smoothed"][-1] is None and saved["rates"] == rates.tolist()
    assert (saved["rule"], saved["rate"]) == (DEFAULT_RULE, search.suggestions[DEFAULT_RULE])


def test_the_table_marks_the_rule_that_was_used() -> None:
    rates = np.logspace(-7, -1.5, 70)
    search = read_curve(rates.tolist(), curve(rates).tolist(), "steep")
    names, shown, losses = (list(column.cells) for column in search.table().columns)
    assert names == ["steep (used)", "minimum", "valley", "slide", "consensus"]
    assert shown[0] == f"{search.rate:.1e}"
    assert losses[0] == f"{search.smoothed_at(search.rate):.4g}"


def test_a_search_that_was_saved_before_there_was_a_consensus_is_shown_as_it_was(tmp_path: Path) -> None:
    rates = np.logspace(-7, -1.5, 70)
    old = read_curve(rates.tolist(), curve(rates).tolist(), "minimum").to_dict()
    del old["suggestions"]["consensus"]
    (tmp_path / "lr_find.json").write_text(json.dumps(old))
    search = LRSearch.load(tmp_path / "lr_find.json")
    assert list(search.table().columns[0].cells) == ["steep", "minimum (used)", "valley", "slide"]
    assert len(search.figure().axes[0].lines) == 2 + 4
