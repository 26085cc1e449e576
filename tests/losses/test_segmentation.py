"""Losses of pixels are torch's and the papers', and leave void out."""

import pytest
import torch
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits
from torch.nn import functional as F

from triptych.losses import cross_entropy, focal

VOIDS = [None, 2, 255]
WEIGHTS = [None, [0.5, 2.0, 0.0, 1.0]]


def drawn(void: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and masks of three images, the first all void and a fifth of the others."""
    generator = torch.Generator().manual_seed(0)
    logits, mask = 3 * torch.randn(3, 4, 5, 6, generator=generator), torch.randint(4, (3, 5, 6), generator=generator)
    if void is not None:
        mask[torch.rand(mask.shape, generator=generator) < 0.2] = void
        mask[0] = void
    return logits.requires_grad_(), mask


@pytest.mark.parametrize("void", VOIDS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_cross_entropy_and_its_gradient_are_torchs_to_the_last_bit(void, weights, memory_format) -> None:
    logits, mask = drawn(void)
    ignored = -100 if void is None else void
    weight = None if weights is None else torch.tensor(weights)
    found = []
    for loss in (
        lambda x: cross_entropy(x, mask, weights, void).sum,
        lambda x: F.cross_entropy(x, mask, weight, ignore_index=ignored, reduction="none").sum(dtype=torch.float64),
    ):
        x = logits.detach().to(memory_format=memory_format).requires_grad_()
        value = loss(x)
        found.append((value, *torch.autograd.grad(value, x)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("void", VOIDS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_torchs_mean_with_weights_and_smoothed_labels(void, weights, smoothing) -> None:
    logits, mask = drawn(void)
    expected = F.cross_entropy(
        logits.double(),
        mask,
        None if weights is None else torch.tensor(weights).double(),
        ignore_index=-100 if void is None else void,
        label_smoothing=smoothing,
    )
    loss = cross_entropy(logits, mask, weights, void, label_smoothing=smoothing).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("void", VOIDS)
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_is_that_of_segmentation_models_pytorch_for_a_softmax_over_labelled_pixels(void, gamma) -> None:
    logits, mask = drawn(void)
    labelled = mask != (-1 if void is None else void)
    expected = softmax_focal_loss_with_logits(logits.movedim(1, -1)[labelled], mask[labelled], gamma)
    loss = focal(logits, mask, ignore_index=void, gamma=gamma).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_focal_without_focus_is_cross_entropy(weights) -> None:
    logits, mask = drawn(2)
    assert focal(logits, mask, weights, 2, gamma=0) == cross_entropy(logits, mask, weights, 2)


def test_focal_of_sure_pixels_has_a_finite_gradient_at_every_gamma() -> None:
    logits = torch.tensor([[100.0, -100.0], [-100.0, 100.0]])[None, :, None].requires_grad_()
    for gamma in (0.3, 1.0, 2.0):
        loss = focal(logits, torch.tensor([[[0, 0]]]), gamma=gamma).mean()
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.item() == pytest.approx(100)
        assert gradient.isfinite().all()
