"""Losses as sum and weight, so that the mean over a split does not depend on batch size or number of processes."""

from triptych.losses.choice import (
    CATEGORY_LOSSES,
    MASK_LOSSES,
    POINT_LOSSES,
    TAG_LOSSES,
    TOKEN_LOSSES,
    ChosenLoss,
    LossChoice,
    LossFunction,
)
from triptych.losses.multilabel import asymmetric, binary_cross_entropy, binary_focal
from triptych.losses.overlap import dice, lovasz, tversky
from triptych.losses.points import absolute_error, squared_error, wing
from triptych.losses.recurrent import activation_regularization, temporal_activation_regularization
from triptych.losses.segmentation import cross_entropy, focal
from triptych.losses.split_loss import SplitLoss
from triptych.losses.terms import LossTerms

__all__ = [
    "CATEGORY_LOSSES",
    "MASK_LOSSES",
    "POINT_LOSSES",
    "TAG_LOSSES",
    "TOKEN_LOSSES",
    "ChosenLoss",
    "LossChoice",
    "LossFunction",
    "LossTerms",
    "SplitLoss",
    "absolute_error",
    "activation_regularization",
    "asymmetric",
    "binary_cross_entropy",
    "binary_focal",
    "cross_entropy",
    "dice",
    "focal",
    "lovasz",
    "squared_error",
    "temporal_activation_regularization",
    "tversky",
    "wing",
]
