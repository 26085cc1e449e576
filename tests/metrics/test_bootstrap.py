"""The interval is that of a slow bootstrap, and as wide as the variance says."""

import pytest
import torch

from triptych.metrics.bootstrap import difference_interval

GENERATOR = torch.Generator().manual_seed(1)
FIRST = torch.rand(40, 3, generator=GENERATOR)
SECOND = FIRST + 0.1 * torch.rand(40, 3, generator=GENERATOR)


def ratios(sums: torch.Tensor) -> torch.Tensor:
    return sums[:2] / sums[2]


def test_it_is_that_of_the_same_draws_one_by_one() -> None:
    drawn = torch.randint(40, (200, 40), generator=torch.Generator().manual_seed(0))
    gains = [ratios(SECOND[one].double().sum(0)) - ratios(FIRST[one].double().sum(0)) for one in drawn]
    expected = torch.stack(gains).quantile(torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0)
    torch.testing.assert_close(torch.stack(difference_interval(ratios, FIRST, SECOND, 200, level=0.9)), expected)


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    gains = torch.randn(400, 1, generator=GENERATOR)
    low, high = difference_interval(lambda sums: sums / 400, torch.zeros(400, 1), gains)
    assert float(high - low) == pytest.approx(2 * 1.96 * float(gains.std()) / 20, rel=0.1)
    assert float((low + high) / 2) == pytest.approx(float(gains.mean()), abs=0.01)


def test_equal_models_differ_in_no_draw() -> None:
    low, high = difference_interval(ratios, FIRST, FIRST)
    assert not low.any() and not high.any()
