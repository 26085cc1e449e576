"""Regularisation of activations is what the formulas say, in float32 at least."""

import pytest
import torch

from triptych.losses import activation_regularization, temporal_activation_regularization


def test_they_are_the_weighted_mean_squares_of_activations_and_of_their_steps() -> None:
    x = torch.tensor([[[1.0, 2.0], [3.0, -2.0]]])
    assert activation_regularization(x).item() == pytest.approx(2 * (1 + 4 + 9 + 4) / 4)
    assert activation_regularization(x, alpha=0.5).item() == pytest.approx(0.5 * 18 / 4)
    assert temporal_activation_regularization(x).item() == pytest.approx((4 + 16) / 2)
    assert temporal_activation_regularization(x, beta=3).item() == pytest.approx(3 * 20 / 2)


def test_the_steps_of_a_single_token_are_none() -> None:
    assert temporal_activation_regularization(torch.ones(3, 1, 4)).item() == 0


def test_half_precision_is_summed_in_float32() -> None:
    x = torch.randn(8, 72, 400, generator=torch.Generator().manual_seed(0)).bfloat16()
    for function in (activation_regularization, temporal_activation_regularization):
        assert function(x).dtype == torch.float32
        # the steps are rounded to bfloat16 before the square
        assert function(x).item() == pytest.approx(function(x.double()).item(), rel=1e-3)
