"""Losses of points: each coordinate is an element, so the mean over a split does not depend on its batches."""

import math

import torch
from torch import Tensor

from triptych.losses.terms import LossTerms

_PX = 2 / 256
"""A pixel of the paper's faces of 256x256, on [-1, 1]."""


def squared_error(preds: Tensor, target: Tensor) -> LossTerms:
    """Squared error of each coordinate. Shape: preds and target (N, P, 2)."""
    losses = (preds.float() - target).square()
    return LossTerms.of(losses, torch.ones_like(losses))


def absolute_error(preds: Tensor, target: Tensor) -> LossTerms:
    """Absolute error of each coordinate. Shape: preds and target (N, P, 2)."""
    losses = (preds.float() - target).abs()
    return LossTerms.of(losses, torch.ones_like(losses))


def wing(preds: Tensor, target: Tensor, *, w: float = 10 * _PX, epsilon: float = 2 * _PX) -> LossTerms:
    """Wing loss of each coordinate: w log(1 + e / epsilon) of an error e below `w`, above it e less a constant.

    Args:
        preds: (N, P, 2), on [-1, 1].
        target: (N, P, 2), on [-1, 1].
        w: Error below which the loss is logarithmic, in units of [-1, 1]; the paper's 10 pixels of 256.
        epsilon: Error below which the loss is about linear, in units of [-1, 1]; the paper's 2 pixels of 256.

    Source: Feng et al., "Wing Loss for Robust Facial Landmark Localisation", 2018.
    """
    errors = (preds.float() - target).abs()
    near, far = w * torch.log1p(errors / epsilon), errors - (w - w * math.log1p(w / epsilon))
    losses = torch.where(errors < w, near, far)
    return LossTerms.of(losses, torch.ones_like(losses))
