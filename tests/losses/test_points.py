"""Losses of points are torch's and the paper's."""

import math

import pytest
import torch
from segmentation_models_pytorch.losses._functional import wing_loss
from torch.nn import functional as F

from triptych.losses import POINT_LOSSES, absolute_error, squared_error, wing


def test_squared_and_absolute_error_are_torchs_means() -> None:
    preds, target = torch.rand(5, 2, 2), torch.rand(5, 2, 2)
    torch.testing.assert_close(squared_error(preds, target).mean().float(), F.mse_loss(preds, target))
    torch.testing.assert_close(absolute_error(preds, target).mean().float(), F.l1_loss(preds, target))


@pytest.mark.parametrize(("w", "epsilon"), [(10 / 128, 2 / 128), (0.5, 0.1)])
def test_wing_is_that_of_segmentation_models_pytorch(w, epsilon) -> None:
    preds, target = torch.linspace(-1, 1, 40).view(5, 4, 2), torch.zeros(5, 4, 2)
    expected = wing_loss(preds, target, width=w, curvature=epsilon)
    assert float(wing(preds, target, w=w, epsilon=epsilon).mean()) == pytest.approx(float(expected), rel=1e-5)


def test_wings_defaults_are_the_papers_pixels_of_a_face_of_256() -> None:
    errors_px = torch.tensor([[[1.0, 30.0]]])
    expected = wing_loss(errors_px, torch.zeros(1, 1, 2), width=10, curvature=2)
    found = wing(errors_px * 2 / 256, torch.zeros(1, 1, 2)).mean()
    assert float(found) * 128 == pytest.approx(float(expected), rel=1e-5)


def by_hand(name: str, error: float) -> float:
    w, epsilon = 10 * 2 / 256, 2 * 2 / 256
    near = w * math.log(1 + abs(error) / epsilon)
    far = abs(error) - w + w * math.log(1 + w / epsilon)
    return {"mse": error**2, "l1": abs(error), "wing": near if abs(error) < w else far}[name]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", POINT_LOSSES)
def test_missing_points_have_no_loss_no_weight_and_a_gradient_of_zero(name: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    preds = (2 * torch.rand(5, 4, 2, generator=generator) - 1).requires_grad_()
    target = 2 * torch.rand(5, 4, 2, generator=generator) - 1
    missing = torch.rand(5, 4, generator=generator) < 0.4
    missing[0] = True
    target[missing] = torch.nan
    target[2, 3, 1], missing[2, 3] = torch.nan, True  # a point of which a coordinate is unknown is missing
    terms = POINT_LOSSES[name](preds, target)
    losses = [
        by_hand(name, preds[i, j, k].item() - target[i, j, k].item())
        for i in range(5)
        for j in range(4)
        for k in range(2)
        if not missing[i, j]
    ]
    assert terms.weight == len(losses)
    assert terms.sum.item() == pytest.approx(sum(losses), rel=1e-5)
    terms.mean().backward()
    assert preds.grad is not None and preds.grad.isfinite().all()
    assert torch.equal(preds.grad == 0, missing[..., None].expand(5, 4, 2))


@pytest.mark.parametrize("name", POINT_LOSSES)
def test_a_batch_without_any_point_has_a_loss_and_a_gradient_of_zero(name: str) -> None:
    preds = torch.rand(2, 3, 2, requires_grad=True)
    mean = POINT_LOSSES[name](preds, torch.full((2, 3, 2), torch.nan)).mean()
    mean.backward()
    assert mean == 0 and preds.grad is not None and not preds.grad.any()
