"""Samples as tensors, their draws as a function of (seed, epoch, index), and the order they come in."""

import math
import random
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from triptych.datamodules.epoch_order import EpochOrder, Key
from triptych.datamodules.samples import Samples
from triptych.datasets import CamVid, Pictures
from triptych.datasets.sample import Sample
from triptych.transforms import evaluation_pipeline, geometry, lighting, street_pipeline

SIZE = (40, 56)


@pytest.fixture
def samples(drawn_streets: Path) -> Samples:
    return Samples(CamVid(drawn_streets), street_pipeline(SIZE, ignore_index=30), seed=0)


def pixels(sample: Sample) -> torch.Tensor:
    """Image and mask as one tensor (4, H, W), to compare."""
    return torch.cat([sample["image"].long(), sample["mask"][None]])


def test_a_sample_has_the_types_and_shapes_that_travel(samples: Samples, drawn_streets: Path) -> None:
    sample = samples[0, 3]
    assert (sample["image"].dtype, sample["image"].shape) == (torch.uint8, (3, *SIZE))
    assert (sample["mask"].dtype, sample["mask"].shape) == (torch.int64, SIZE)
    assert (sample["size"].dtype, sample["size"].tolist()) == (torch.int64, [64, 96])
    assert sample["path"] == str(drawn_streets / "images" / samples.records.names[3])


def test_a_picture_without_labels_gives_a_sample_without_mask(drawn_streets: Path) -> None:
    sample = Samples(Pictures(drawn_streets / "images"), evaluation_pipeline(SIZE), seed=0)[0, 0]
    assert sorted(sample) == ["image", "path", "size"]


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (200, 100, 50)).save(tmp_path / "a.png")
    sample = Samples(Pictures(tmp_path), evaluation_pipeline((3, 4)), seed=0)[0, 0]
    assert sample["image"][:, 1, 2].tolist() == [200, 100, 50]


def test_a_sample_depends_on_seed_epoch_and_index_alone(samples: Samples) -> None:
    first = [pixels(samples[1, index]) for index in (0, 1, 2)]
    again = [pixels(samples[1, index]) for index in (2, 1, 0)][::-1]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    other_seed = Samples(samples.records, samples.pipeline, seed=1)
    for other in (samples[2, 0], other_seed[1, 0]):
        assert not torch.equal(first[0], pixels(other))


def test_evaluation_draws_nothing(drawn_streets: Path) -> None:
    frames, pipeline = CamVid(drawn_streets), evaluation_pipeline(SIZE)
    one, other = Samples(frames, pipeline, seed=0), Samples(frames, pipeline, seed=9)
    assert all(torch.equal(pixels(one[0, index]), pixels(other[5, index])) for index in range(len(one)))


def test_drawing_leaves_the_global_generators_alone(samples: Samples) -> None:
    before = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()
    samples[0, 0]
    after = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()
    assert before == after


def test_the_global_generators_do_not_reach_a_sample(samples: Samples) -> None:
    first = pixels(samples[0, 0])
    np.random.seed(1), random.seed(1), torch.manual_seed(1)
    assert torch.equal(pixels(samples[0, 0]), first)


def test_each_part_of_the_augmentation_is_drawn_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Albumentations' own seeding gives each transform the same stream: flip would then decide brightness."""
    drawn: dict[str, tuple] = {}

    def record(module, name: str) -> None:
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args: drawn.update({name: args}) or function(*args))

    for name in ("symmetric_warp", "rotation", "zoom"):
        record(geometry, name)
    record(lighting, "lighting_table")
    draw = geometry.LessonGeometry.draw

    def record_flip(self, rng, aspect):
        matrix = draw(self, rng, aspect)
        drawn["flip"] = (np.linalg.det(matrix) < 0,)
        return matrix

    monkeypatch.setattr(geometry.LessonGeometry, "draw", record_flip)

    tiny = [{"image": np.zeros((8, 8, 3), np.uint8), "mask": np.zeros((8, 8), np.uint8), "path": "a"}] * 2000
    samples = Samples(tiny, street_pipeline((8, 8), ignore_index=30), seed=0)
    decisions, values = [], []
    for index in range(len(samples)):
        drawn.clear()
        samples[0, index]
        brightness, contrast = drawn["lighting_table"]
        parts = [name in drawn for name in ("symmetric_warp", "rotation", "zoom")]
        decisions.append([*drawn["flip"], *parts, brightness != 0.5, contrast != 1])
        values.append(
            [
                *drawn.get("symmetric_warp", [(0, 0, 0, 0)])[0],
                drawn.get("rotation", [0])[0],
                *drawn.get("zoom", [1, 0.5, 0.5]),
                brightness - 0.5,
                np.log(contrast),
            ]
        )
    np.testing.assert_allclose(np.mean(decisions, axis=0), [0.5, *[0.75] * 5], atol=0.04)
    highest = np.array([0.2, 0.2, 0.2, 0.2, 10, 1.1, 1, 1, 0.1, -np.log(0.8)])
    lowest = np.array([-0.2, -0.2, -0.2, -0.2, -10, 1, 0, 0, -0.1, np.log(0.8)])
    slack = 0.02 * (highest - lowest)
    for reached, limit in ((np.max(values, axis=0), highest), (-np.min(values, axis=0), -lowest)):
        assert (reached <= limit + 1e-12).all()
        assert (reached >= limit - slack).all()
    for table in (decisions, values):
        correlation = np.corrcoef(np.array(table, dtype=float).T)
        assert np.abs(correlation - np.eye(len(correlation))).max() < 0.08


def test_order_is_a_new_permutation_each_epoch_and_a_function_of_seed_and_epoch() -> None:
    order, again, other = EpochOrder(50, True, 0), EpochOrder(50, True, 0), EpochOrder(50, True, 1)
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
def test_unshuffled_shares_cover_all_samples_once(length: int, replicas: int) -> None:
    shares = [EpochOrder(length, False, 0, replicas, rank) for rank in range(replicas)]
    indices = [[index for _, index in share] for share in shares]
    assert sorted(chain(*indices)) == list(range(length))
    assert [len(share) for share in shares] == [len(part) for part in indices]
    assert all(part == sorted(part) for part in indices)


@pytest.mark.parametrize(("length", "replicas"), [(10, 1), (10, 2), (10, 3), (2, 3)])
def test_training_shares_have_equal_length_and_leave_nothing_out(length: int, replicas: int) -> None:
    shares = [EpochOrder(length, True, 0, replicas, rank) for rank in range(replicas)]
    indices = [[index for _, index in share] for share in shares]
    assert {len(part) for part in indices} == {len(share) for share in shares} == {-(-length // replicas)}
    assert set(chain(*indices)) == set(range(length))


def keys_of(order: EpochOrder, epoch: int) -> list[Key]:
    """The keys of an epoch; Lightning sets it just so."""
    order.set_epoch(epoch)
    return list(order)


@pytest.mark.parametrize("number", range(10))
def test_a_resumed_order_goes_on_with_the_rest_of_the_epoch_and_then_with_whole_ones(number: int) -> None:
    """In each process, and whatever order is asked for before its epoch is set: workers fetch ahead."""
    draw = random.Random(number)
    length, seed, replicas, first = (draw.randint(low, high) for low, high in ((1, 30), (0, 5), (1, 3), (0, 4)))
    epoch, seen = draw.randint(0, 3), draw.randint(0, -(-length // replicas))
    for rank in range(replicas):
        plain = EpochOrder(length, True, seed, replicas, rank)
        resumed = EpochOrder(length, True, seed, replicas, rank, first, resume_at=(epoch, seen))
        if draw.random() < 0.5:
            resumed.set_epoch(epoch)
        assert list(resumed) == keys_of(plain, first + epoch)[seen:]
        assert len(resumed) == len(plain)
        for later in (epoch + 1, epoch + 2, epoch):
            assert keys_of(resumed, later) == keys_of(plain, first + later)


def test_the_plain_order_is_the_generators_own_permutation() -> None:
    """So that runs of earlier versions can be told again."""
    order = EpochOrder(10, True, seed=4, num_replicas=3, rank=1)
    permuted = np.random.default_rng((4, 2)).permutation(10)
    assert keys_of(order, 2) == [(2, int(index)) for index in np.resize(permuted, 12)[1::3]]


WEIGHTS = [0.25, 1.0, 1.0, 4.0, 2.5, 0.25, 1.0, 0.5]


def test_samples_are_drawn_as_often_as_their_weights_say() -> None:
    order = EpochOrder(len(WEIGHTS), True, 0, weights=WEIGHTS)
    epochs = 3000
    keys = chain.from_iterable(keys_of(order, epoch) for epoch in range(epochs))
    counts = np.bincount([key[1] for key in keys], minlength=len(WEIGHTS))
    expected = len(WEIGHTS) * epochs * np.array(WEIGHTS) / sum(WEIGHTS)
    np.testing.assert_allclose(counts, expected, atol=5 * math.sqrt(expected.max()))
    assert counts.sum() == len(WEIGHTS) * epochs


def test_a_weighted_order_is_a_function_of_seed_and_epoch() -> None:
    order, again, other = (EpochOrder(8, True, seed, weights=WEIGHTS) for seed in (0, 0, 1))
    epochs = [keys_of(order, epoch) for epoch in (0, 1, 7)]
    assert epochs == [keys_of(again, epoch) for epoch in (0, 1, 7)]
    assert epochs != [keys_of(other, epoch) for epoch in (0, 1, 7)]
    assert len({tuple(key[1] for key in keys) for keys in epochs}) == 3
    assert {len(keys) for keys in epochs} == {len(order)} == {8}


@pytest.mark.parametrize("replicas", [2, 3])
def test_weighted_shares_join_to_the_order_of_one_process(replicas: int) -> None:
    shares = [keys_of(EpochOrder(8, True, 0, replicas, rank, weights=WEIGHTS), 5) for rank in range(replicas)]
    joined = [key for keys in zip(*shares, strict=True) for key in keys]
    assert joined[:8] == keys_of(EpochOrder(8, True, 0, weights=WEIGHTS), 5)
    assert len(joined) == len(set(joined)) == -(-8 // replicas) * replicas


@pytest.mark.parametrize("seen", [0, 3, 8])
def test_a_resumed_weighted_order_goes_on_with_the_rest_of_the_epoch(seen: int) -> None:
    plain = EpochOrder(8, True, 0, weights=WEIGHTS)
    resumed = EpochOrder(8, True, 0, resume_at=(2, seen), weights=WEIGHTS)
    assert list(resumed) == keys_of(plain, 2)[seen:]
    assert keys_of(resumed, 3) == keys_of(plain, 3)


def test_a_sample_that_is_drawn_again_in_an_epoch_is_augmented_anew(samples: Samples) -> None:
    order = EpochOrder(4, True, 0, weights=[0.01, 0.01, 5.0, 0.01])
    keys = keys_of(order, 1)
    again = [key for key in keys if key[1] == 2]
    assert again[:3] == [(1, 2), (1, 2, 1), (1, 2, 2)]
    drawn = [pixels(samples[key]) for key in again]
    assert all(not torch.equal(one, other) for one, other in combinations(drawn, 2))
    assert torch.equal(pixels(samples[again[1]]), drawn[1])


def test_an_epoch_that_was_at_its_end_is_followed_by_a_whole_one() -> None:
    """A fit with nothing left of its epoch asks for the next one without going through the rest."""
    order = EpochOrder(10, True, 0, resume_at=(2, 10))
    order.set_epoch(2)
    assert keys_of(order, 3) == keys_of(EpochOrder(10, True, 0), 3)


def test_a_first_epoch_goes_on_where_the_fit_before_ended(samples: Samples) -> None:
    """With the order and the augmentation of its number, so that no fit of several sees the same again."""
    one_fit, second_fit = EpochOrder(8, True, 0), EpochOrder(8, True, 0, first_epoch=2)
    assert list(second_fit) == keys_of(second_fit, 0) == keys_of(one_fit, 2)
    assert keys_of(second_fit, 1) == keys_of(one_fit, 3)
    (epoch, index), *_ = keys_of(second_fit, 0)
    assert epoch == 2
    assert not torch.equal(pixels(samples[epoch, index]), pixels(samples[0, index]))
