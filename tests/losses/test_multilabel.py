"""Losses of tags are torch's, torchvision's and timm's."""

from functools import partial

import pytest
import torch
from timm.loss import AsymmetricLossMultiLabel
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from triptych.losses import asymmetric, binary_cross_entropy, binary_focal

WEIGHTS = [0.5, 2.0, 0.0]


def drawn() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return 3 * torch.randn(7, 3, generator=generator), torch.randint(2, (7, 3), generator=generator).float()


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_binary_cross_entropy_is_torchs_to_the_last_bit(weights) -> None:
    logits, labels = drawn()
    weight = None if weights is None else torch.tensor(weights)
    expected = F.binary_cross_entropy_with_logits(logits, labels, weight, reduction="none").sum(dtype=torch.float64)
    terms = binary_cross_entropy(logits, labels, weights)
    assert torch.equal(terms.sum, expected)
    assert terms.weight == labels.numel()


def test_smoothed_labels_are_the_other_label_half_as_often() -> None:
    logits, labels = drawn()
    right, wrong = (binary_cross_entropy(logits, one).mean() for one in (labels, 1 - labels))
    found = binary_cross_entropy(logits, labels, label_smoothing=0.2).mean()
    assert float(found) == pytest.approx(float(0.9 * right + 0.1 * wrong), rel=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_focal_is_torchvisions(gamma, alpha) -> None:
    logits, labels = drawn()
    expected = sigmoid_focal_loss(logits, labels, -1 if alpha is None else alpha, gamma) * torch.tensor(WEIGHTS)
    found = binary_focal(logits, labels, WEIGHTS, gamma=gamma, alpha=alpha).mean()
    assert float(found) == pytest.approx(float(expected.mean()), rel=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"gamma_neg": 2.0, "gamma_pos": 0.0, "clip": 0.2}, {"clip": 0.0}])
def test_asymmetric_and_its_gradient_are_timms(arguments) -> None:
    logits, labels = drawn()
    logits.requires_grad_()
    expected = AsymmetricLossMultiLabel(**arguments, reduction="mean")(logits, labels)
    found = asymmetric(logits, labels, **arguments).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(torch.autograd.grad(found, logits), torch.autograd.grad(expected, logits))


@pytest.mark.parametrize("loss", [binary_focal, partial(asymmetric, gamma_pos=0.0, clip=0.0)])
def test_a_label_that_is_surely_wrong_keeps_its_whole_gradient(loss) -> None:
    logits = torch.tensor([[40.0, -40.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(logits, torch.tensor([[0.0, 1.0]])).mean(), logits)
    torch.testing.assert_close(gradient, torch.tensor([[0.5, -0.5]]))
