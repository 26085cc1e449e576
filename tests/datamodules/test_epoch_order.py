"""The order of an epoch is a function of (seed, epoch), for any number of processes, and resumes after a kill."""

import math
import random
from itertools import chain

import numpy as np
import pytest

from triptych.datamodules.epoch_order import EpochSampler, Key


def test_order_is_a_new_permutation_each_epoch_and_a_function_of_seed_and_epoch() -> None:
    order, again, other = EpochSampler(50, True, 0), EpochSampler(50, True, 0), EpochSampler(50, True, 1)
    epochs = []
    for epoch in (0, 1, 7):
        for each in (order, again, other):
            each.set_epoch(epoch)
        keys = list(order)
        assert {key[0] for key in keys} == {epoch}
        assert sorted(key[1] for key in keys) == list(range(50))
        assert list(again) == keys != list(other)
        epochs.append([key[1] for key in keys])
    assert epochs[0] != epochs[1] != epochs[2]
    assert epochs[0] != sorted(epochs[0])


@pytest.mark.parametrize(("length", "replicas"), [(10, 1), (10, 2), (10, 3), (2, 3)])
def test_unshuffled_parts_cover_all_samples_once(length: int, replicas: int) -> None:
    samplers = [EpochSampler(length, False, 0, replicas, rank) for rank in range(replicas)]
    indices = [[index for _, index in sampler] for sampler in samplers]
    assert sorted(chain(*indices)) == list(range(length))
    assert [len(sampler) for sampler in samplers] == [len(part) for part in indices]
    assert all(part == sorted(part) for part in indices)


@pytest.mark.parametrize(("length", "replicas"), [(10, 1), (10, 2), (10, 3), (2, 3)])
def test_training_parts_have_equal_length_and_leave_nothing_out(length: int, replicas: int) -> None:
    samplers = [EpochSampler(length, True, 0, replicas, rank) for rank in range(replicas)]
    indices = [[index for _, index in sampler] for sampler in samplers]
    assert {len(part) for part in indices} == {len(sampler) for sampler in samplers} == {-(-length // replicas)}
    assert set(chain(*indices)) == set(range(length))


def keys_of(order: EpochSampler, epoch: int) -> list[Key]:
    """The keys of an epoch, which Lightning sets in this way."""
    order.set_epoch(epoch)
    return list(order)


@pytest.mark.parametrize("number", range(10))
def test_a_resumed_order_continues_with_the_rest_of_the_epoch_and_then_with_whole_ones(number: int) -> None:
    """In each process, even if the order is read before its epoch is set: workers fetch ahead."""
    draw = random.Random(number)
    length, seed, replicas, first = (draw.randint(low, high) for low, high in ((1, 30), (0, 5), (1, 3), (0, 4)))
    epoch, seen = draw.randint(0, 3), draw.randint(0, -(-length // replicas))
    for rank in range(replicas):
        plain = EpochSampler(length, True, seed, replicas, rank)
        resumed = EpochSampler(length, True, seed, replicas, rank, first, resume_at=(epoch, seen))
        if draw.random() < 0.5:
            resumed.set_epoch(epoch)
        assert list(resumed) == keys_of(plain, first + epoch)[seen:]
        assert len(resumed) == len(plain)
        for later in (epoch + 1, epoch + 2, epoch):
            assert keys_of(resumed, later) == keys_of(plain, first + later)


def test_the_plain_order_is_the_generators_own_permutation() -> None:
    """So that runs of earlier versions can be repeated."""
    order = EpochSampler(10, True, seed=4, num_replicas=3, rank=1)
    permuted = np.random.default_rng((4, 2)).permutation(10)
    assert keys_of(order, 2) == [(2, int(index)) for index in np.resize(permuted, 12)[1::3]]


WEIGHTS = [0.25, 1.0, 1.0, 4.0, 2.5, 0.25, 1.0, 0.5]


def test_samples_are_drawn_as_often_as_their_weights_say() -> None:
    order = EpochSampler(len(WEIGHTS), True, 0, weights=WEIGHTS)
    epochs = 3000
    keys = chain.from_iterable(keys_of(order, epoch) for epoch in range(epochs))
    counts = np.bincount([key[1] for key in keys], minlength=len(WEIGHTS))
    expected = len(WEIGHTS) * epochs * np.array(WEIGHTS) / sum(WEIGHTS)
    np.testing.assert_allclose(counts, expected, atol=5 * math.sqrt(expected.max()))
    assert counts.sum() == len(WEIGHTS) * epochs


def test_a_weighted_order_is_a_function_of_seed_and_epoch() -> None:
    order, again, other = (EpochSampler(8, True, seed, weights=WEIGHTS) for seed in (0, 0, 1))
    epochs = [keys_of(order, epoch) for epoch in (0, 1, 7)]
    assert epochs == [keys_of(again, epoch) for epoch in (0, 1, 7)]
    assert epochs != [keys_of(other, epoch) for epoch in (0, 1, 7)]
    assert len({tuple(key[1] for key in keys) for keys in epochs}) == 3
    assert {len(keys) for keys in epochs} == {len(order)} == {8}


@pytest.mark.parametrize("replicas", [2, 3])
def test_weighted_parts_join_to_the_order_of_one_process(replicas: int) -> None:
    parts = [keys_of(EpochSampler(8, True, 0, replicas, rank, weights=WEIGHTS), 5) for rank in range(replicas)]
    joined = [key for keys in zip(*parts, strict=True) for key in keys]
    assert joined[:8] == keys_of(EpochSampler(8, True, 0, weights=WEIGHTS), 5)
    assert len(joined) == len(set(joined)) == -(-8 // replicas) * replicas


@pytest.mark.parametrize("seen", [0, 3, 8])
def test_a_resumed_weighted_order_continues_with_the_rest_of_the_epoch(seen: int) -> None:
    plain = EpochSampler(8, True, 0, weights=WEIGHTS)
    resumed = EpochSampler(8, True, 0, resume_at=(2, seen), weights=WEIGHTS)
    assert list(resumed) == keys_of(plain, 2)[seen:]
    assert keys_of(resumed, 3) == keys_of(plain, 3)


def test_an_epoch_that_was_at_its_end_is_followed_by_a_whole_one() -> None:
    """A fit with nothing left of its epoch asks for the next one without going through the rest."""
    order = EpochSampler(10, True, 0, resume_at=(2, 10))
    order.set_epoch(2)
    assert keys_of(order, 3) == keys_of(EpochSampler(10, True, 0), 3)
