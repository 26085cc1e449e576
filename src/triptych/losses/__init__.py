"""Losses as sum and weight, so that the mean over a split does not depend on batch size or number of processes."""

from triptych.losses.multilabel import binary_cross_entropy
from triptych.losses.points import squared_error
from triptych.losses.segmentation import cross_entropy
from triptych.losses.split_loss import SplitLoss
from triptych.losses.terms import LossTerms

__all__ = ["LossTerms", "SplitLoss", "binary_cross_entropy", "cross_entropy", "squared_error"]
