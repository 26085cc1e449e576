"""Losses of points are torch's and the paper's."""

import pytest
import torch
from segmentation_models_pytorch.losses._functional import wing_loss
from torch.nn import functional as F

from triptych.losses import absolute_error, squared_error, wing


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
