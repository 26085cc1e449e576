"""Losses of points: each coordinate of a known point is an element, so a mean over a split depends on no batches.

A point of which a coordinate of the target is NaN is missing: it has no loss, no weight and no gradient.
"""

import math

import torch
from torch import Tensor

from triptych.losses.terms import LossTerms

_PX = 2 / 256
"""A pixel of the paper's faces of 256x256, on [-1, 1]."""


def squared_error(preds: Tensor, target: Tensor) -> LossTerms:
    """Squared error of each coordinate. Shape: preds and target (N, P, 2), NaN in the target for a missing point."""
    errors, known = _errors(preds, target)
    return LossTerms.of(errors.square(), known)


def absolute_error(preds: Tensor, target: Tensor) -> LossTerms:
    """Absolute error of each coordinate. Shape: preds and target (N, P, 2), NaN in the target for a missing point."""
    errors, known = _errors(preds, target)
    return LossTerms.of(errors.abs(), known)


def wing(preds: Tensor, target: Tensor, *, w: float = 10 * _PX, epsilon: float = 2 * _PX) -> LossTerms:
    """Wing loss of each coordinate: w log(1 + e / epsilon) of an error e below `w`, above it e less a constant.

    Args:
        preds: (N, P, 2), on [-1, 1].
        target: (N, P, 2), on [-1, 1], NaN for a missing point.
        w: Error below which the loss is logarithmic, in units of [-1, 1]; the paper's 10 pixels of 256.
        epsilon: Error below which the loss is about linear, in units of [-1, 1]; the paper's 2 pixels of 256.

    Source: Feng et al., "Wing Loss for Robust Facial Landmark Localisation", 2018.
    """
    errors, known = _errors(preds, target)
    errors = errors.abs()
    near, far = w * torch.log1p(errors / epsilon), errors - (w - w * math.log1p(w / epsilon))
    return LossTerms.of(torch.where(errors < w, near, far), known)


def _errors(preds: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Error of each coordinate, 0 for a missing point, and whether the point is known, both (N, P, 2)."""
    known = ~target.isnan().any(dim=-1, keepdim=True).expand_as(target)
    # both sides are replaced before they meet: 0 times the gradient of NaN would be NaN
    return torch.where(known, preds.float(), 0) - torch.where(known, target, 0), known
