"""What holds for every named loss: the terms of batches add up to those of the whole, and void has no part in it."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from triptych.losses import MASK_LOSSES, POINT_LOSSES, TAG_LOSSES, LossTerms, SplitLoss
from triptych.losses.terms import weights_on

VOID = 2
NAMED = [
    *(("mask", name) for name in MASK_LOSSES),
    *(("point", name) for name in POINT_LOSSES),
    *(("labels", name) for name in TAG_LOSSES),
]
every_loss = pytest.mark.parametrize(("kind", "name"), NAMED)


class Samples:
    """Nine random samples, cut at random into batches, and a loss of them."""

    def __init__(self, kind: str, name: str, seed: int = 0) -> None:
        self.random = torch.Generator().manual_seed(seed)
        weights = torch.rand(4, generator=self.random).tolist()
        preds, self.target, self.loss = {
            "mask": lambda: (
                self.normal(9, 4, 5, 6),
                torch.randint(4, (9, 5, 6), generator=self.random),
                lambda x, y: MASK_LOSSES[name](x, y, weights, VOID),
            ),
            "point": lambda: (self.normal(9, 2, 2) / 9, self.normal(9, 2, 2) / 9, POINT_LOSSES[name]),
            "labels": lambda: (
                self.normal(9, 4),
                torch.randint(2, (9, 4), generator=self.random).float(),
                lambda x, y: TAG_LOSSES[name](x, y, weights),
            ),
        }[kind]()
        self.preds = preds.requires_grad_()
        cuts = sorted({0, 9, *torch.randint(1, 9, (3,), generator=self.random).tolist()})
        self.batches = [slice(a, b) for a, b in pairwise(cuts)]

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random)

    def of(self, part: slice = slice(None)) -> LossTerms:
        return self.loss(self.preds[part], self.target[part])


@pytest.mark.parametrize("seed", range(5))
@every_loss
def test_value_and_gradient_do_not_depend_on_how_the_samples_are_cut(kind, name, seed) -> None:
    samples = Samples(kind, name, seed)
    whole, batches = samples.of(), [samples.of(batch) for batch in samples.batches]
    together = LossTerms(sum(terms.sum for terms in batches), sum(terms.weight for terms in batches))
    # the last bit of an element may depend on its place in the tensor
    torch.testing.assert_close(together.sum, whole.sum, rtol=1e-7, atol=0)
    torch.testing.assert_close(together.weight, whole.weight, rtol=1e-12, atol=0)
    (of_whole,), (of_batches,) = (torch.autograd.grad(terms.mean(), samples.preds) for terms in (whole, together))
    torch.testing.assert_close(of_batches, of_whole)


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_void_pixels_have_no_part_in_value_and_gradient(name) -> None:
    samples = Samples("mask", name)
    is_void = samples.target == VOID
    (gradient,) = torch.autograd.grad(samples.of().mean(), samples.preds)
    assert (gradient.movedim(1, -1)[is_void] == 0).all()
    assert (gradient.movedim(1, -1)[~is_void] != 0).any()
    other = samples.preds.detach() + 5 * samples.normal(9, 4, 5, 6) * is_void[:, None]
    assert samples.loss(other, samples.target) == samples.of()


@pytest.mark.parametrize("name", MASK_LOSSES)
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0, 4.0]])
def test_the_mean_over_nothing_is_zero_and_so_is_its_gradient(name, weights) -> None:
    logits = torch.randn(2, 4, 5, 6, requires_grad=True)
    terms = MASK_LOSSES[name](logits, torch.full((2, 5, 6), VOID), weights, VOID)
    (gradient,) = torch.autograd.grad(terms.mean(), logits)
    assert (terms.weight, terms.mean()) == (0, 0)
    assert (gradient == 0).all()


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_loss_is_computed_in_float32_whatever_the_predictions_are(kind, name, dtype) -> None:
    samples = Samples(kind, name)
    preds = samples.preds.detach().to(dtype)
    assert samples.loss(preds, samples.target) == samples.loss(preds.float(), samples.target)


@every_loss
def test_the_loss_of_a_split_is_the_mean_of_its_batches_and_stays_exact_after_a_move(kind, name) -> None:
    samples = Samples(kind, name)
    with torch.no_grad():
        batches = [samples.of(batch) for batch in samples.batches]
    loss = SplitLoss().to("cpu").half()
    for terms in batches:
        loss.update(terms)
    expected = sum(float(terms.sum) for terms in batches) / sum(float(terms.weight) for terms in batches)
    assert loss.compute().item() == pytest.approx(expected, rel=1e-12)
    loss.reset()
    loss.update(batches[0])
    assert loss.compute().item() == pytest.approx(float(batches[0].mean()), rel=1e-12)


def test_weights_are_copied_once_and_can_be_used_in_training_though_a_validation_came_first() -> None:
    device, numbers = torch.device("cpu"), [0.25, 0.5]
    with torch.inference_mode():
        first = weights_on(device, numbers)
    assert weights_on(device, numbers) is first
    (torch.ones(2, requires_grad=True) * first).sum().backward()
