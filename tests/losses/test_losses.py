"""Losses are torch's, and the terms of batches add up to those of the whole."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from triptych.losses import LossTerms, SplitLoss, binary_cross_entropy, cross_entropy, squared_error


def random_split(seed: int) -> dict[str, tuple[LossTerms, list[LossTerms]]]:
    """For each loss the terms of nine random samples, and of the same in random batches."""
    generator = torch.Generator().manual_seed(seed)
    cuts = sorted({0, 9, *torch.randint(1, 9, (3,), generator=generator).tolist()})
    batches = [slice(a, b) for a, b in pairwise(cuts)]
    masks = torch.randint(4, (9, 5, 6), generator=generator)
    labels = torch.randint(2, (9, 4), generator=generator).float()
    weights = torch.rand(4, generator=generator).tolist()
    ways = {
        "mask": (torch.randn(9, 4, 5, 6, generator=generator), masks, lambda x, y: cross_entropy(x, y, weights, 2)),
        "point": (torch.randn(9, 2, 2, generator=generator), torch.rand(9, 2, 2, generator=generator), squared_error),
        "labels": (torch.randn(9, 4, generator=generator), labels, lambda x, y: binary_cross_entropy(x, y, weights)),
    }
    return {key: (loss(x, y), [loss(x[b], y[b]) for b in batches]) for key, (x, y, loss) in ways.items()}


@pytest.mark.parametrize("seed", range(10))
def test_the_terms_of_batches_add_up_to_those_of_the_whole_however_it_is_cut(seed: int) -> None:
    for whole, batches in random_split(seed).values():
        assert sum(float(terms.sum) for terms in batches) == pytest.approx(float(whole.sum), rel=1e-12)
        assert sum(float(terms.weight) for terms in batches) == pytest.approx(float(whole.weight), rel=1e-12)


@pytest.mark.parametrize("ignore_index", [None, 2, 255])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 0.0, 1.0]])
def test_cross_entropy_is_torchs_weighted_mean(ignore_index: int | None, weights: list[float] | None) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, mask = torch.randn(3, 4, 5, 6, generator=generator), torch.randint(4, (3, 5, 6), generator=generator)
    if ignore_index is not None:
        mask[0] = ignore_index
    expected = F.cross_entropy(
        logits.double(),
        mask,
        None if weights is None else torch.tensor(weights).double(),
        ignore_index=-100 if ignore_index is None else ignore_index,
    )
    assert float(cross_entropy(logits, mask, weights, ignore_index).mean()) == pytest.approx(float(expected), rel=1e-6)


def test_squared_error_is_torchs_mean() -> None:
    preds, target = torch.rand(5, 2, 2), torch.rand(5, 2, 2)
    torch.testing.assert_close(squared_error(preds, target).mean().float(), F.mse_loss(preds, target))


def test_the_mean_over_nothing_is_zero() -> None:
    terms = cross_entropy(torch.randn(1, 4, 5, 6), torch.full((1, 5, 6), 2), ignore_index=2)
    assert (float(terms.weight), float(terms.mean())) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_of_a_split_is_the_mean_of_the_whole_and_stays_exact_after_a_move(seed: int) -> None:
    for whole, batches in random_split(seed).values():
        loss = SplitLoss().to("cpu").half()
        for terms in batches:
            loss.update(terms)
        assert loss.compute().item() == pytest.approx(float(whole.sum / whole.weight), rel=1e-12)
        loss.reset()
        loss.update(batches[0])
        assert loss.compute().item() == pytest.approx(float(batches[0].mean()), rel=1e-12)
