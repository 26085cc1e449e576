"""Samples as tensors, and their augmentation as a function of (seed, epoch, index)."""

import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from triptych.datamodules.epoch_order import EpochSampler
from triptych.datamodules.samples import SampleDataset, collate_one
from triptych.datasets import CamVid, Pictures
from triptych.datasets.sample import Sample
from triptych.transforms import camvid_pipeline, evaluation_pipeline, geometry, lighting, whole_pipeline

SIZE = (40, 56)


@pytest.fixture
def samples(drawn_streets: Path) -> SampleDataset:
    return SampleDataset(CamVid(drawn_streets), camvid_pipeline(SIZE, ignore_index=30), seed=0)


def pixels(sample: Sample) -> torch.Tensor:
    """Image and mask as one tensor (4, H, W), to compare."""
    return torch.cat([sample["image"].long(), sample["mask"][None]])


def test_a_sample_has_the_types_and_shapes_that_travel(samples: SampleDataset, drawn_streets: Path) -> None:
    sample = samples[0, 3]
    assert (sample["image"].dtype, sample["image"].shape) == (torch.uint8, (3, *SIZE))
    assert (sample["mask"].dtype, sample["mask"].shape) == (torch.int64, SIZE)
    assert (sample["size"].dtype, sample["size"].tolist()) == (torch.int64, [64, 96])
    assert sample["path"] == str(drawn_streets / "images" / samples.records.names[3])


def test_an_image_without_labels_gives_a_sample_without_mask(drawn_streets: Path) -> None:
    sample = SampleDataset(Pictures(drawn_streets / "images"), evaluation_pipeline(SIZE), seed=0)[0, 0]
    assert sorted(sample) == ["image", "path", "size"]


def test_a_whole_image_becomes_a_batch_without_a_copy(drawn_streets: Path) -> None:
    sample = SampleDataset(CamVid(drawn_streets), whole_pipeline(), seed=0, tile=64)[0, 3]
    batch = collate_one([sample])
    assert batch["image"].data_ptr() == sample["image"].data_ptr()
    assert (batch["image"].shape, batch["mask"].shape) == ((1, 3, 64, 96), (1, 64, 96))
    assert (batch["tile"].tolist(), batch["size"].tolist(), batch["path"]) == ([64], [[64, 96]], [sample["path"]])


def test_channels_are_red_green_blue(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (200, 100, 50)).save(tmp_path / "a.png")
    sample = SampleDataset(Pictures(tmp_path), evaluation_pipeline((3, 4)), seed=0)[0, 0]
    assert sample["image"][:, 1, 2].tolist() == [200, 100, 50]


def test_a_sample_depends_on_seed_epoch_and_index_alone(samples: SampleDataset) -> None:
    first = [pixels(samples[1, index]) for index in (0, 1, 2)]
    again = [pixels(samples[1, index]) for index in (2, 1, 0)][::-1]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    other_seed = SampleDataset(samples.records, samples.pipeline, seed=1)
    for other in (samples[2, 0], other_seed[1, 0]):
        assert not torch.equal(first[0], pixels(other))


def test_evaluation_draws_nothing(drawn_streets: Path) -> None:
    frames, pipeline = CamVid(drawn_streets), evaluation_pipeline(SIZE)
    one, other = SampleDataset(frames, pipeline, seed=0), SampleDataset(frames, pipeline, seed=9)
    assert all(torch.equal(pixels(one[0, index]), pixels(other[5, index])) for index in range(len(one)))


def test_drawing_leaves_the_global_generators_alone(samples: SampleDataset) -> None:
    before = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()
    samples[0, 0]
    after = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()
    assert before == after


def test_the_global_generators_do_not_reach_a_sample(samples: SampleDataset) -> None:
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
    samples = SampleDataset(tiny, camvid_pipeline((8, 8), ignore_index=30), seed=0)
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


def test_a_sample_that_is_drawn_again_in_an_epoch_is_augmented_differently(samples: SampleDataset) -> None:
    order = EpochSampler(4, True, 0, weights=[0.01, 0.01, 5.0, 0.01])
    order.set_epoch(1)
    keys = list(order)
    again = [key for key in keys if key[1] == 2]
    assert again[:3] == [(1, 2), (1, 2, 1), (1, 2, 2)]
    drawn = [pixels(samples[key]) for key in again]
    assert all(not torch.equal(one, other) for one, other in combinations(drawn, 2))
    assert torch.equal(pixels(samples[again[1]]), drawn[1])


def test_a_first_epoch_continues_where_the_fit_before_ended(samples: SampleDataset) -> None:
    """With the order and the augmentation of its number, so that no fit of several sees the same again."""
    one_fit, second_fit = EpochSampler(8, True, 0), EpochSampler(8, True, 0, first_epoch=2)
    for epoch_of_second in (0, 1):
        one_fit.set_epoch(epoch_of_second + 2)
        second_fit.set_epoch(epoch_of_second)
        assert list(second_fit) == list(one_fit)
    second_fit.set_epoch(0)
    (epoch, index), *_ = second_fit
    assert epoch == 2
    assert not torch.equal(pixels(samples[epoch, index]), pixels(samples[0, index]))
