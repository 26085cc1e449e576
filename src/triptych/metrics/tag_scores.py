"""Scores of tags at a threshold."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from triptych.metrics.thresholds import f_beta


class TagScores(Metric):
    """Accuracy and F2 at a threshold, over tiles and per tag; keeps the predictions, to choose better thresholds.

    Args:
        threshold: Probability above which a tag is predicted, in [0, 1].
        kwargs: See `torchmetrics.Metric`.

    Shape: probabilities (N, L) in [0, 1], target (N, L) of 0 and 1; results scalars in [0, 1], or (L,).
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    probabilities: list[Tensor]
    target: list[Tensor]

    def __init__(self, threshold: float = 0.2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = threshold
        self.add_state("probabilities", [], dist_reduce_fx="cat")
        self.add_state("target", [], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, target: Tensor) -> None:
        """Adds the tiles of one batch."""
        self.probabilities.append(probabilities.float())
        self.target.append(target.bool())

    def all_tiles(self) -> tuple[Tensor, Tensor]:
        """Probabilities and true tags of all tiles seen, on the CPU."""
        return dim_zero_cat(self.probabilities).cpu(), dim_zero_cat(self.target).cpu()

    def compute(self) -> dict[str, Tensor]:
        """Scores over all tiles.

        Returns:
            Scalars `f2` (mean over tiles, the competition's), `accuracy` (fraction of tags predicted right), `macro_f2`
            (mean over the tags that some tile has) and `tags_with_support`, their number; of each tag, (L,), `support`,
            `precision`, `recall` and `tag_f2`, NaN if the divisor is 0; and `probabilities` and `target` (N, L).
        """
        probabilities, target = self.all_tiles()
        preds = probabilities > self.threshold
        per_tag = per_tag_scores(preds, target)
        with_support = per_tag["support"] > 0
        return {
            "f2": f_beta(preds, target).mean(),
            "accuracy": (preds == target).float().mean(),
            "macro_f2": per_tag["tag_f2"][with_support].mean(),
            "tags_with_support": with_support.sum().float(),
            **per_tag,
            "probabilities": probabilities,
            "target": target,
        }


def per_tag_scores(preds: Tensor, target: Tensor) -> dict[str, Tensor]:
    """`support`, `precision`, `recall` and `tag_f2` of each tag, (L,), from predicted and true tags, bool (N, L)."""
    true_positives = (preds & target).sum(dim=0)
    support, predicted = target.sum(dim=0), preds.sum(dim=0)
    return {
        "support": support,
        "precision": true_positives / predicted,
        "recall": true_positives / support,
        "tag_f2": torch.where(support > 0, 5 * true_positives / (4 * support + predicted), torch.nan),
    }
