"""Errors of predicted points."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

_MISSING = -1.0
"""Takes the place of the errors of a missing point, which are left out when all are known."""


def distance_px(preds: Tensor, target: Tensor, size: Tensor) -> Tensor:
    """Distance between points in pixels of the original frame; NaN for a missing point.

    Shape: preds and target (N, P, 2), (y, x) in [-1, 1]; size (N, 2), height and width in pixels; result (N, P).
    """
    distance: Tensor = torch.linalg.vector_norm((preds - target) * size[:, None] / 2, dim=-1)
    return distance


class PointScores(Metric):
    """Mean squared error on [-1, 1], mean error in pixels of the original frames, fractions within 5 and 10 pixels.

    Every known point has the same weight, for any batch size and number of processes. A point of which a coordinate of
    the target is NaN is missing and left out.

    Args:
        num_points: Number of points of an image, to score each of them as well; None scores all together alone.
        kwargs: See `torchmetrics.Metric`.

    Shape: preds and target (N, P, 2), (y, x) in [-1, 1]; size (N, 2), height and width of the original frames in
        pixels; results scalars, and (P,) for each point, NaN if there were no points.
    """

    is_differentiable = False
    full_state_update = False

    squared: list[Tensor]
    distances: list[Tensor]

    def __init__(self, num_points: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_points = num_points
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
        missing = target.isnan().any(dim=-1)
        squared, distances = (preds - target).square().mean(dim=-1), distance_px(preds, target, size)
        self.squared.append(squared.masked_fill(missing, _MISSING).flatten())
        self.distances.append(distances.masked_fill(missing, _MISSING).flatten())

    def compute(self) -> dict[str, Tensor]:
        """`error_px`, `mse`, `within_5px` and `within_10px` over all known points.

        With `num_points` also, of each point (P,), `support`, the number of images in which it is known, and
        `point_error_px`.
        """
        distances, squared = (_joined(state).cpu().double() for state in (self.distances, self.squared))
        known = distances != _MISSING
        of_all = distances[known]
        scores = {
            "error_px": of_all.mean().float(),
            "mse": squared[known].mean().float(),
            "within_5px": (of_all <= 5).float().mean(),
            "within_10px": (of_all <= 10).float().mean(),
        }
        return scores if self.num_points is None else {**scores, **_by_point(distances, known, self.num_points)}


def _by_point(distances: Tensor, known: Tensor, num_points: int) -> dict[str, Tensor]:
    """See `PointScores.compute`; distances and known (N * P,), image by image."""
    support = known.view(-1, num_points).sum(dim=0)
    sums = distances.where(known, torch.zeros_like(distances)).view(-1, num_points).sum(dim=0)
    return {"support": support, "point_error_px": (sums / support).float()}


def _joined(state: list[Tensor] | Tensor) -> Tensor:
    """The values of all batches; `dim_zero_cat` raises if there are none."""
    return dim_zero_cat(state) if len(state) else torch.empty(0)
