"""All segmentation scores from one confusion matrix."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from triptych.metrics.functional import accuracy, confusion_counts, mean_iou, per_class_scores


class SegmentationScores(Metric):
    """Void-masked accuracy, mean intersection over union and scores of each class, from one confusion matrix.

    Args:
        num_classes: Number of classes.
        ignore_index: Class id of unlabelled (void) pixels, left out everywhere; None counts every pixel.
        kwargs: See `torchmetrics.Metric`.

    Shape: preds (N, C, H, W) scores or (N, H, W) class ids; target (N, H, W) int64; results scalars in [0, 1], NaN if
        nothing was labelled.
    Raises: ValueError if preds and target differ in N, H or W.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    confusion: Tensor

    def __init__(self, num_classes: int, ignore_index: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes, self.ignore_index = num_classes, ignore_index
        counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.add_state("confusion", counts, dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Counts one batch."""
        self.confusion += confusion_counts(preds, target, self.num_classes, self.ignore_index)

    def compute(self) -> dict[str, Tensor]:
        """Scores over all pixels seen.

        Returns:
            Scalars `void_masked_accuracy`, equal to `VoidMaskedAccuracy`, and `mean_iou`; of each class, (C,),
            `support` in pixels, `iou`, `accuracy` and `precision`.
        """
        overall = {"void_masked_accuracy": accuracy(self.confusion), "mean_iou": mean_iou(self.confusion)}
        return {**overall, **per_class_scores(self.confusion)._asdict()}
