"""Scores of sums over images are those of the metrics over the whole split."""

import torch

from triptych.metrics import CategoryScores, PointScores, SegmentationScores, TagScores
from triptych.metrics.image_counts import CategoryCounts, ImageCounts, MaskCounts, PointCounts, TagCounts
from triptych.metrics.thresholds import best_threshold, f_beta

GENERATOR = torch.Generator().manual_seed(0)
SIZE = torch.tensor([[48, 64]] * 7)


def scores(counts: ImageCounts, preds: torch.Tensor, target: torch.Tensor) -> list[float]:
    """The scores over uneven batches."""
    parts = (slice(0, 4), slice(4, 5), slice(5, 7))
    kept = torch.cat([counts.keep(preds[part], target[part], SIZE[part]) for part in parts])
    return counts.scores(counts.summands(kept).sum(dim=0)).tolist()


def test_masks() -> None:
    logits, target = torch.randn(7, 4, 6, 5, generator=GENERATOR), torch.randint(5, (7, 6, 5), generator=GENERATOR)
    target[target == 4] = 255
    metric = SegmentationScores(4, 255)
    metric.update(logits, target)
    found = scores(MaskCounts(4, 255), logits, target)
    torch.testing.assert_close(torch.tensor(found), torch.stack([*metric.compute().values()][:2]))


def test_points_of_which_some_are_missing() -> None:
    preds, target = torch.rand(2, 7, 3, 2, generator=GENERATOR)
    target[2, 1, 0] = torch.nan
    target[5] = torch.nan
    metric = PointScores()
    metric.update(preds, target, SIZE)
    expected = metric.compute()
    found = scores(PointCounts(), preds, target)
    torch.testing.assert_close(torch.tensor(found), torch.stack([*expected.values()]))


def test_categories() -> None:
    logits, target = torch.randn(7, 4, generator=GENERATOR), torch.randint(3, (7,), generator=GENERATOR)
    metric = CategoryScores(4)
    metric.update(logits, target)
    expected = metric.compute()
    found = scores(CategoryCounts(4), logits, target)
    torch.testing.assert_close(torch.tensor(found), torch.stack([expected["accuracy"], expected["f1"]]))


def test_tags_at_the_fixed_and_at_the_best_threshold() -> None:
    logits, target = torch.randn(7, 6, generator=GENERATOR), torch.rand(7, 6, generator=GENERATOR).round()
    metric = TagScores(0.2)
    metric.update(logits.sigmoid(), target)
    probabilities = logits.sigmoid()
    best = f_beta(probabilities > best_threshold(probabilities, target), target).mean()
    found = scores(TagCounts(0.2), logits, target)
    torch.testing.assert_close(torch.tensor(found), torch.stack([metric.compute()["f2"], best]))
