"""Scores of one category a sample, from one confusion matrix."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class CategoryScores(Metric):
    """Accuracy, F1 and scores of each category.

    Args:
        num_categories: Number of categories.
        kwargs: See `torchmetrics.Metric`.

    Shape: preds (N, K) scores, target int64 (N,); results scalars in [0, 1], or (K,).
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    confusion: Tensor

    def __init__(self, num_categories: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        counts = torch.zeros(num_categories, num_categories, dtype=torch.int64)
        self.add_state("confusion", counts, dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Counts one batch."""
        self.confusion += category_confusion(preds, target)

    def compute(self) -> dict[str, Tensor]:
        """Scores over all samples seen.

        Returns:
            Scalars `accuracy` and `f1`, the mean over the categories with samples; of each category, (K,), `support`,
            `precision`, `recall` and `category_f1`, NaN if the divisor is 0.
        """
        hits, support, predicted = self.confusion.diag(), self.confusion.sum(dim=1), self.confusion.sum(dim=0)
        f1 = torch.where(support > 0, 2 * hits / (support + predicted), torch.nan)
        return {
            "accuracy": hits.sum() / support.sum(),
            "f1": f1.nanmean(),
            "support": support,
            "precision": hits / predicted,
            "recall": hits / support,
            "category_f1": f1,
        }


def category_confusion(preds: Tensor, target: Tensor) -> Tensor:
    """Number of samples by true and predicted category, int64 (K, K).

    Args:
        preds: Scores (N, K).
        target: True categories, int64 (N,).
    """
    number = preds.shape[1]
    return torch.bincount(number * target + preds.argmax(dim=1), minlength=number**2).view(number, number)
