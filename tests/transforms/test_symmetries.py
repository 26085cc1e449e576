"""The eight symmetries of the square are drawn evenly, and each only moves pixels."""

import random

import albumentations as A
import numpy as np
import pytest

from triptych.transforms import planet_pipeline
from triptych.transforms.geometry import SYMMETRIES, LessonGeometry

OFF = {"max_rotate": 0, "max_zoom": 1, "max_warp": 0, "p_affine": 0}
DRAWS = 1600


def eight(image: np.ndarray) -> list[bytes]:
    """A square image in all its eight positions, by numpy."""
    return [np.rot90(side, turns).tobytes() for side in (image, image[:, ::-1]) for turns in range(4)]


@pytest.mark.parametrize("side", [6, 7])
def test_exactly_the_eight_positions_occur_each_in_an_eighth_of_the_draws(side: int) -> None:
    image = np.random.default_rng(0).integers(256, size=(side, side, 3), dtype=np.uint8)
    pipeline = A.Compose([LessonGeometry((side, side), **OFF, symmetries="square")], seed=0)
    seen = [pipeline(image=image)["image"].tobytes() for _ in range(DRAWS)]
    positions = eight(image)
    assert set(seen) == set(positions)
    assert len(set(positions)) == 8
    fractions = [seen.count(position) / DRAWS for position in positions]
    np.testing.assert_allclose(fractions, 1 / 8, atol=0.035)  # more than four standard deviations


def test_left_and_right_alone_are_the_default() -> None:
    image = np.random.default_rng(0).integers(256, size=(6, 6, 3), dtype=np.uint8)
    pipeline = A.Compose([LessonGeometry((6, 6), **OFF)], seed=0)
    seen = [pipeline(image=image)["image"].tobytes() for _ in range(400)]
    assert set(seen) == {image.tobytes(), image[:, ::-1].tobytes()}
    assert seen.count(image.tobytes()) / 400 == pytest.approx(0.5, abs=0.1)


def test_the_symmetries_are_a_group() -> None:
    matrices = {matrix.tobytes() for matrix in SYMMETRIES["square"]}
    products = {(a @ b + 0.0).tobytes() for a in SYMMETRIES["square"] for b in SYMMETRIES["square"]}
    assert products == {(matrix + 0.0).tobytes() for matrix in SYMMETRIES["square"]}
    assert len(matrices) == 8


def test_a_tile_that_is_not_square_is_turned_to_fill_its_frame() -> None:
    geometry = LessonGeometry((4, 8), **OFF, symmetries="square")
    rng, determinants = random.Random(0), set()
    for _ in range(100):
        matrix = geometry.draw(rng, aspect=0.5)
        determinants.add(round(np.linalg.det(matrix)))
        corners = matrix @ np.array([[-1, -1, 1, 1], [-1, 1, -1, 1], [1, 1, 1, 1]])
        assert np.abs(corners).min() == np.abs(corners).max() == 1
    assert determinants == {1, -1}


def test_the_tiles_training_takes_the_lessons_values() -> None:
    geometry, lighting = planet_pipeline((8, 8)).transforms
    limits = geometry.max_rotate, geometry.max_zoom, geometry.max_warp, geometry.p_affine, geometry.symmetries
    assert limits == (10, 1.05, 0, 0.75, "square")
    assert (lighting.max_lighting, lighting.p_lighting) == (0.1, 0.75)
