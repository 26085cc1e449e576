"""Errors of predicted points."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


def distance_px(preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
    """Distance between points in pixels of the original frame.

    Shape: preds and target (N, P, 2), (y, x) in [-1, 1]; size (N, 2), height and width in pixels; result (N, P).
    """
    distance: Tensor = torch.linalg.vector_norm((preds - target) * size[:, None] / 2, dim=-1)
    return distance


class PointScores(Metric):
    """Mean squared error on [-1, 1], mean error in pixels of the original frames, fractions within 5 and 10 pixels.

    Every point has the same weight, for any batch size and number of processes.

    Args:
        kwargs: See `torchmetrics.Metric`.

    Shape: preds and target (N, P, 2), (y, x) in [-1, 1]; size (N, 2), height and width of the original frames in
        pixels; results scalars, NaN if there were no points.
    """

    is_differentiable = False
    full_state_update = False

    squared: list[Tensor]
    distances: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("squared", [], dist_reduce_fx="cat")
        self.add_state("distances", [], dist_reduce_fx="cat")

    def update(self, preds: Tensor, target: Tensor, size: Tensor) -> None:
        """Adds the points of one batch.

        Raises:
            ValueError: preds is not (N, P, 2), or differs from target in shape.
        """
        if preds.shape != target.shape or preds.ndim != 3 or preds.shape[-1] != 2:
            raise ValueError(
                f"preds: expected (y, x) of points, (N, P, 2), as the target {tuple(target.shape)}, "
                f"got {tuple(preds.shape)}."
            )
        preds, target = preds.float(), target.float()
        self.squared.append((preds - target).square().mean(dim=-1).flatten())
        self.distances.append(distance_px(preds, target, size).flatten())

    def compute(self) -> dict[str, Tensor]:
        """`error_px`, `mse`, `within_5px` and `within_10px` over all points."""
        distances, squared = (_joined(state).cpu().double() for state in (self.distances, self.squared))
        return {
            "error_px": distances.mean().float(),
            "mse": squared.mean().float(),
            "within_5px": (distances <= 5).float().mean(),
            "within_10px": (distances <= 10).float().mean(),
        }


def _joined(state: list[Tensor] | Tensor) -> Tensor:
    """The values of all batches; `dim_zero_cat` raises if there are none."""
    return dim_zero_cat(state) if len(state) else torch.empty(0)
