"""Points move with their image in every draw, and none leaves it."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from biwi_files import dotted

from triptych.datamodules.samples import SampleDataset
from triptych.datasets.sample import Sample
from triptych.transforms import biwi_pipeline, evaluation_pipeline
from triptych.transforms.geometry import TRIES, flip, move_points, rotation, to_pixels, zoom

Array = npt.NDArray[np.generic]
SIZE = (120, 160)


def record(size: tuple[int, int], *points: tuple[float, float], radius: float = 6.0) -> Sample:
    """A frame with a dot at the first of its points (x, y)."""
    return {"image": dotted(size, *points[0], radius=radius), "keypoints": np.array(points, float), "path": "a"}


def drawn(samples: SampleDataset, epochs: int) -> Iterator[Sample]:
    for epoch in range(epochs):
        for index in range(len(samples)):
            yield samples[epoch, index]


def dots(image: torch.Tensor) -> Array:
    """Centres (x, y) of all bright spots, in pixels from the left and top edge; mirrored ones are among them."""
    bright = (image[0].numpy() > 127).astype(np.uint8)
    return cv2.connectedComponentsWithStats(bright)[3][1:] + 0.5


def place_px(sample: Sample, number: int = 0) -> Array:
    """(x, y) of a sample's point in pixels of its image."""
    return ((sample["point"][number].double() + 1) / 2 * torch.tensor(sample["image"].shape[1:])).numpy()[::-1]


def test_the_dot_is_found_again_at_the_point_after_each_draw() -> None:
    rng, size = np.random.default_rng(0), (240, 320)
    records = [record(size, *(rng.uniform(0.1, 0.9, size=(1, 2)) * (320, 240))) for _ in range(30)]
    seen, places = 0, []
    for sample in drawn(SampleDataset(records, biwi_pipeline(SIZE), seed=0), epochs=10):
        point = place_px(sample)
        places.append(point)
        if ((point > 10) & (point < (150, 110))).all():  # nearer to the edge a dot is cut in two
            seen += 1
            assert np.linalg.norm(dots(sample["image"]) - point, axis=1).min() < 1
    assert seen > 200
    assert np.std(places, axis=0).min() > 20


def test_a_resized_dot_is_found_at_its_point() -> None:
    sample = SampleDataset([record((97, 131), (40.0, 70.0))], evaluation_pipeline(SIZE), seed=0)[0]
    np.testing.assert_allclose(place_px(sample), (40 * 160 / 131, 70 * 120 / 97), atol=1e-4)
    np.testing.assert_allclose(dots(sample["image"]), [place_px(sample)], atol=0.3)


def test_no_point_ever_leaves_the_image() -> None:
    rng, size = np.random.default_rng(1), (24, 32)
    near_edge = [np.where(rng.random(2) < 0.5, 0.01, 0.99) for _ in range(20)]
    anywhere, edges = rng.random((20, 2)), np.array([(0, 0), (1, 1), (0, 0.5), (0.5, 1)])
    records = [record(size, *(np.array([fraction]) * (32, 24))) for fraction in (*near_edge, *anywhere, *edges)]
    samples = SampleDataset(records, biwi_pipeline((18, 25)), seed=0)
    points = torch.stack([sample["point"] for sample in drawn(samples, epochs=75)])
    assert len(points) == 3300
    assert points.isfinite().all()
    assert points.abs().max() <= 1
    assert points.std(dim=0).min() > 0.3


def test_several_points_stay_inside_together_and_keep_their_order() -> None:
    points = [(10.0, 12.0), (60.0, 20.0), (30.0, 50.0)]
    samples = SampleDataset([record((64, 80), *points, radius=3)], biwi_pipeline((64, 80)), seed=0)
    for sample in drawn(samples, epochs=100):
        assert sample["point"].shape == (3, 2)
        assert sample["point"].abs().max() <= 1
        (ax, ay), (bx, by), (cx, cy) = (place_px(sample, number) for number in range(3))
        assert abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) > 200  # no two fall together


def test_an_image_for_which_no_draw_works_is_only_resized_and_says_so() -> None:
    samples = SampleDataset([record((48, 64), (1.0, 0.5), (62.0, 47.0))], biwi_pipeline((24, 32)), seed=0)
    as_it_was = torch.tensor([[2 * 0.5 / 48 - 1, 2 * 1 / 64 - 1], [2 * 47 / 48 - 1, 2 * 62 / 64 - 1]])
    left = []
    for sample in drawn(samples, epochs=300):
        left.append(sample["only_resized"])
        assert torch.allclose(sample["point"], as_it_was, atol=1e-5) == sample["only_resized"]
        assert sample["point"].abs().max() <= 1
    assert 0.02 < np.mean(left) < 0.98


def test_a_centre_kept_outside_is_neither_clipped_nor_lost() -> None:
    samples = SampleDataset([record((48, 64), (640.0, -480.0))], biwi_pipeline((24, 32)), seed=0)
    for sample in drawn(samples, epochs=20):
        assert sample["only_resized"]
        torch.testing.assert_close(sample["point"], torch.tensor([[-21.0, 19.0]]))


def test_a_draw_is_taken_again_a_stated_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, tried = biwi_pipeline((24, 32)), []
    geometry = pipeline.transforms[0]
    monkeypatch.setattr(geometry, "draw", lambda rng, aspect: tried.append(1) or zoom(1.5, 0, 0))
    hidden, seen = record((24, 32), (30.0, 20.0)), record((24, 32), (3.0, 2.0))
    assert SampleDataset([hidden], pipeline, seed=0)[0]["only_resized"]
    assert len(tried) == TRIES == 10
    sample = SampleDataset([seen], pipeline, seed=0)[0]
    assert not sample["only_resized"]
    assert len(tried) == TRIES + 1
    np.testing.assert_allclose(place_px(sample), (4.5, 3.0), atol=1e-5)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (flip(), (60, 10)),
        (zoom(2, 0, 0), (40, 20)),
        (zoom(2, 1, 1), (-40, -40)),
        (rotation(90, 60 / 80), (20, 50)),
        (rotation(180, 60 / 80), (60, 50)),
    ],
)
def test_a_point_lands_where_arithmetic_says(part: Array, expected: tuple[float, float]) -> None:
    pixels = to_pixels(60, 80)
    moved = move_points(np.array([[20.0, 10.0]]), pixels @ part @ np.linalg.inv(pixels))
    np.testing.assert_allclose(moved, [expected], atol=1e-9)


def test_portraits_take_the_lessons_values() -> None:
    geometry, lighting = biwi_pipeline((8, 8)).transforms
    limits = geometry.max_rotate, geometry.max_zoom, geometry.max_warp, geometry.p_affine, geometry.symmetries
    assert limits == (20, 1.5, 0.4, 1, "mirror")
    assert (lighting.max_lighting, lighting.p_lighting) == (0.5, 1)
