"""The course's accuracy for CamVid, as a torchmetric."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from triptych.metrics.functional import correct_and_labelled


class VoidMaskedAccuracy(Metric):
    """Fraction of labelled pixels whose class is predicted right.

    Integer counts are summed over all pixels seen, so the result is the same for any batch size and number of
    processes; the course averages batch means, weighted by the number of images.

    Args:
        ignore_index: Class id of unlabelled (void) pixels, left out of both counts; None counts every pixel.
        kwargs: See `torchmetrics.Metric`.

    Shape: preds (N, C, H, W) scores or (N, H, W) class ids; target (N, H, W) int64; result a scalar in [0, 1], NaN if
        nothing was labelled.
    Raises: ValueError if preds and target differ in N, H or W.
    Source: fast.ai 2019, lesson 3, `acc_camvid`.

    Example:
        >>> accuracy = VoidMaskedAccuracy(ignore_index=2)
        >>> accuracy(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 0, 2]]]))
        tensor(0.5000)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    correct: Tensor
    labelled: Tensor

    def __init__(self, ignore_index: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index
        self.add_state("correct", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("labelled", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Counts one batch."""
        correct, labelled = correct_and_labelled(preds, target, self.ignore_index)
        self.correct += correct
        self.labelled += labelled

    def compute(self) -> Tensor:
        """Accuracy over all pixels seen."""
        return self.correct / self.labelled
