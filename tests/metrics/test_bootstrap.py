"""The intervals are those of a slow bootstrap, and as wide as the variance says."""

import pytest
import torch
from torch import Tensor

from triptych.metrics.bootstrap import difference_interval, score_interval
from triptych.metrics.image_counts import MaskCounts
from triptych.metrics.units import Groups, Units

GENERATOR = torch.Generator().manual_seed(1)
FIRST = torch.rand(40, 3, generator=GENERATOR)
SECOND = FIRST + 0.1 * torch.rand(40, 3, generator=GENERATOR)


def ratios(sums: Tensor) -> Tensor:
    return sums[..., :2] / sums[..., 2:]


def slow(values: list[Tensor]) -> Tensor:
    return torch.stack(values).quantile(torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0)


@pytest.fixture(params=[10**7, 90], ids=["one block of draws", "blocks of two"])
def drawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    monkeypatch.setattr("triptych.metrics.bootstrap._AT_ONCE", request.param)
    return torch.randint(40, (200, 40), generator=torch.Generator().manual_seed(0))


def test_it_is_that_of_the_same_draws_one_by_one(drawn: Tensor) -> None:
    of_second = [ratios(SECOND[one].double().sum(0)) for one in drawn]
    torch.testing.assert_close(torch.stack(score_interval(ratios, SECOND, 200, level=0.9)), slow(of_second))
    gains = [after - ratios(FIRST[one].double().sum(0)) for one, after in zip(drawn, of_second, strict=True)]
    torch.testing.assert_close(torch.stack(difference_interval(ratios, FIRST, SECOND, 200, level=0.9)), slow(gains))


def test_that_of_masks_is_that_of_images_put_together_anew(drawn: Tensor) -> None:
    counts, void = MaskCounts(5, 4), 4
    ids, target = (torch.randint(5, (40, 6, 7), generator=GENERATOR) for _ in range(2))
    summands = counts.summands(counts.keep(ids, target, torch.empty(0)))
    expected = []
    for images in drawn:
        preds, true = ids[images][target[images] != void], target[images][target[images] != void]
        both = [((preds == one) & (true == one)).sum() for one in range(4)]
        either = [((preds == one) | (true == one)).sum() for one in range(4)]
        iou = torch.stack(both).double() / torch.stack(either)
        expected.append(torch.stack([(preds == true).double().mean(), iou.mean()]))
    torch.testing.assert_close(torch.stack(score_interval(counts.scores, summands, 200, level=0.9)), slow(expected))


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    values = torch.randn(400, 1, generator=GENERATOR)
    for low, high in (
        score_interval(lambda sums: sums / 400, values),
        difference_interval(lambda sums: sums / 400, torch.zeros(400, 1), values),
    ):
        assert float(high - low) == pytest.approx(2 * 1.96 * float(values.std()) / 20, rel=0.1)
        assert float((low + high) / 2) == pytest.approx(float(values.mean()), abs=0.01)


def test_images_of_a_group_that_are_the_same_count_as_one() -> None:
    values = torch.randn(30, 1, generator=GENERATOR)
    frames = torch.stack([values, torch.ones(30, 1)], dim=1).squeeze(2).repeat_interleave(16, dim=0)
    units = Units(480, "frame", Groups([f"drive {i // 16}" for i in range(480)], "drive"))
    assert (units.are_groups, units.words) == (True, "30 drives (480 frames)")

    def width(summands: Tensor) -> float:
        low, high = score_interval(lambda sums: sums[..., :1] / sums[..., 1:], summands)
        return float(high - low)

    assert width(units.sums(frames)) == pytest.approx(2 * 1.96 * float(values.std()) / 30**0.5, rel=0.15)
    assert width(units.sums(frames)) == pytest.approx(4 * width(frames), rel=0.15)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (None, "101 frames"),
        (["a"] * 101, "101 frames of one drive; neighbours are alike, so it is too narrow"),
        (["a"] * 100 + ["b"], "101 frames of 2 drives; neighbours are alike, so it is too narrow"),
        ([*"abcde"] + ["a"] * 96, "5 drives (101 frames)"),
    ],
)
def test_what_is_drawn_is_named(groups: list[str] | None, words: str) -> None:
    units = Units(101, "frame", None if groups is None else Groups(groups, "drive"))
    assert units.words == words
    assert len(units.sums(torch.ones(101, 2))) == (5 if words.startswith("5") else 101)


def test_equal_models_differ_in_no_draw() -> None:
    low, high = difference_interval(ratios, FIRST, FIRST)
    assert not low.any() and not high.any()
