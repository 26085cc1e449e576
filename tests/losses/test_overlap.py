"""Losses of overlap are what the papers define, image by image over the classes that the image has."""

import pytest
import torch
from segmentation_models_pytorch.losses import DiceLoss, LovaszLoss, TverskyLoss

from triptych.losses import dice, lovasz, tversky

WEIGHTS = [0.5, 2.0, 0.1, 1.0]
VOID = 255


def drawn(void: float = 0.0, shape: tuple[int, int, int] = (3, 6, 7)) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of four classes, and masks; with void, the second image lacks a class."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.randint(4, shape, generator=generator)
    if void:
        mask[1][mask[1] == 3] = 0
        mask[torch.rand(shape, generator=generator) < void] = VOID
    return 2 * torch.randn(shape[0], 4, *shape[1:], generator=generator, dtype=torch.float64), mask


def mean_over_images(loss_of_class, logits, mask, weights) -> float:
    """The mean over images of the weighted mean over an image's classes; a class is a set of pixels."""
    means = []
    for probs, target in zip(logits.softmax(dim=1).flatten(2), mask.flatten(1), strict=True):
        losses, total = 0.0, 0.0
        for c in range(len(probs)):
            pixels = [i for i in range(len(target)) if target[i] != VOID]
            true = {i for i in pixels if target[i] == c}
            if true:
                losses += weights[c] * loss_of_class({i: float(probs[c][i]) for i in pixels}, true)
                total += weights[c]
        if total:
            means.append(losses / total)
    return sum(means) / len(means)


def slow_tversky(alpha: float, beta: float):
    def loss(probs: dict[int, float], true: set[int]) -> float:
        hit = sum(probs[i] for i in true)
        return 1 - hit / (hit + alpha * sum(probs[i] for i in probs if i not in true) + beta * (len(true) - hit))

    return loss


def slow_lovasz(probs: dict[int, float], true: set[int]) -> float:
    """The extension by its definition: 1 - IoU of ever more mispredicted pixels, the largest errors first."""
    errors = {i: 1 - p if i in true else p for i, p in probs.items()}
    loss, before, wrong = 0.0, 0.0, set()
    for i in sorted(errors, key=errors.get, reverse=True):
        wrong.add(i)
        value = len(wrong) / len(true | wrong)
        loss += errors[i] * (value - before)
        before = value
    return loss


CASES = {
    "dice": (dice, slow_tversky(0.5, 0.5), {}),
    "tversky": (tversky, slow_tversky(0.3, 0.8), {"alpha": 0.3, "beta": 0.8}),
    "lovasz": (lovasz, slow_lovasz, {}),
}


@pytest.mark.parametrize("weights", [[1, 1, 1, 1], WEIGHTS, [1, 0, 1, 0]])
@pytest.mark.parametrize("void", [0.0, 0.3])
@pytest.mark.parametrize("name", CASES)
def test_the_loss_is_the_slow_one(name, void, weights) -> None:
    fast, slow, arguments = CASES[name]
    logits, mask = drawn(void)
    found = fast(logits, mask, weights, VOID, **arguments).mean()
    assert float(found) == pytest.approx(mean_over_images(slow, logits, mask, weights), rel=1e-5)


def test_one_image_with_every_class_has_the_loss_of_segmentation_models_pytorch() -> None:
    logits, mask = drawn(shape=(1, 9, 8))
    for ours, theirs in (
        (dice(logits, mask), DiceLoss("multiclass")),
        (tversky(logits, mask, alpha=0.2, beta=0.7), TverskyLoss("multiclass", alpha=0.2, beta=0.7)),
    ):
        assert float(ours.mean()) == pytest.approx(float(theirs(logits, mask)), rel=1e-5)


def test_lovasz_and_its_gradient_are_those_of_segmentation_models_pytorch_per_image() -> None:
    logits, mask = drawn(0.3)
    logits = logits.float().requires_grad_()
    ours, theirs = lovasz(logits, mask, None, VOID).mean(), LovaszLoss("multiclass", True, VOID)(logits, mask)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits))


@pytest.mark.parametrize("name", CASES)
def test_a_right_prediction_has_no_loss_and_a_wrong_one_the_whole(name) -> None:
    fast, _, arguments = CASES[name]
    mask = torch.tensor([[[0, 1, 1, VOID]]])
    right = 100.0 * torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0]])[None, :, None]
    assert float(fast(right, mask, None, VOID, **arguments).mean()) == pytest.approx(0, abs=1e-6)
    assert float(fast(-right, mask, None, VOID, **arguments).mean()) == pytest.approx(1)
