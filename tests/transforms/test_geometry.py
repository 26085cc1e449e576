"""The course's geometry: each part moves a marked pixel to where fastai 1.0's formulas put it."""

import math
import random
from collections.abc import Callable
from typing import Any

import albumentations as A
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from triptych.transforms.geometry import LessonGeometry, flip, rotation, symmetric_warp, zoom

Array = npt.NDArray[np.generic]
VOID = 9
SIZES = [(41, 61), (48, 32)]


class Fixed(LessonGeometry):
    """The transform with its homography given, as a function of height / width, instead of drawn."""

    def __init__(self, size: tuple[int, int], part: Callable[[float], Array]) -> None:
        super().__init__(size, max_rotate=0, max_zoom=1, max_warp=0, p_affine=0, fill_mask=VOID)
        self.part = part

    def draw(self, rng: random.Random, aspect: float) -> Array:
        return self.part(aspect)


def moved(
    image: Array, mask: Array, part: Callable[[float], Array], size: tuple[int, int] | None = None
) -> tuple[Array, Array]:
    """Image and mask after one homography, in their own size or another."""
    result = A.Compose([Fixed(size or mask.shape, part)])(image=image, mask=mask)
    return result["image"], result["mask"]


def marked(size: tuple[int, int], x: float, y: float) -> tuple[Array, Array]:
    """A black image and a mask of zeros with a block of 3x3 at (x, y) pixels from the centre."""
    row, column = round((size[0] - 1) / 2 + y), round((size[1] - 1) / 2 + x)
    mask = np.zeros(size, np.uint8)
    mask[row - 1 : row + 2, column - 1 : column + 2] = 1
    return np.repeat(255 * mask[..., None], 3, axis=2), mask


def mark_place(weights: Array) -> Array:
    """Mean (x, y) of the marked pixels, from the centre."""
    rows, columns = np.indices(weights.shape)
    center = (np.array(weights.shape[::-1]) - 1) / 2
    return np.array([np.average(columns, weights=weights), np.average(rows, weights=weights)]) - center


def solved_warp(m: tuple[float, ...]) -> Array:
    """fastai's `_find_coeffs` for its `_symmetric_warp`: eight equations that send the new corners to the old ones."""
    old = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    new = [(-1 - m[3], -1 - m[1]), (-1 - m[2], 1 + m[1]), (1 + m[3], -1 - m[0]), (1 + m[2], 1 + m[0])]
    equations = []
    for (x, y), (u, v) in zip(new, old, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    coefficients = np.linalg.solve(np.array(equations), np.array(old, dtype=float).ravel())
    return np.append(coefficients, 1).reshape(3, 3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("degrees", [90, -90, 180, 10, -37])
def test_rotation_turns_a_marked_pixel_about_the_centre_and_keeps_right_angles(
    size: tuple[int, int], degrees: float
) -> None:
    angle = math.radians(degrees)
    for x, y in [(10, 0), (0, 10), (-6, 4)]:
        image, mask = marked(size, x, y)
        x, y = mark_place(mask)
        # fastai reads the source at the turned point, so the image turns the other way, in pixels, not in [-1, 1]
        expected = [math.cos(angle) * x + math.sin(angle) * y, -math.sin(angle) * x + math.cos(angle) * y]
        image, mask = moved(image, mask, lambda aspect: rotation(degrees, aspect))
        # where the turn uncovers, the image shows a mirrored mark
        np.testing.assert_allclose(mark_place(image[..., 0] * (mask != VOID)), expected, atol=0.1)
        np.testing.assert_allclose(mark_place(mask == 1), expected, atol=0.5)


@pytest.mark.parametrize("size", SIZES)
def test_a_quarter_turn_of_a_square_part_equals_numpys(size: tuple[int, int]) -> None:
    side = min(size) - 2
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    square = np.s_[top : top + side, left : left + side]
    mask = np.zeros(size, np.uint8)
    mask[square] = np.random.default_rng(0).integers(1, VOID, size=(side, side))
    _, turned = moved(np.zeros((*size, 3), np.uint8), mask, lambda aspect: rotation(90, aspect))
    assert np.array_equal(turned[square], np.rot90(mask[square]))


def test_flip_mirrors_left_and_right_exactly() -> None:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(256, size=(13, 21, 3), dtype=np.uint8), rng.integers(9, size=(13, 21), dtype=np.uint8)
    flipped_image, flipped_mask = moved(image, mask, lambda _: flip())
    assert np.array_equal(flipped_image, image[:, ::-1])
    assert np.array_equal(flipped_mask, mask[:, ::-1])


@pytest.mark.parametrize("scale", [1, 1.1, 2])
@pytest.mark.parametrize(("column", "row"), [(0, 0), (1, 0), (0.5, 0.5), (0.25, 1)])
def test_zoom_shows_the_chosen_part(scale: float, column: float, row: float) -> None:
    matrix = zoom(scale, column, row)
    hidden = 2 - 2 / scale
    for x, y in [(-1, -1), (1, 1), (0.5, -0.25)]:
        seen = matrix @ [x, y, 1]
        expected = [-1 + hidden * column + (x + 1) / scale, -1 + hidden * row + (y + 1) / scale, 1]
        np.testing.assert_allclose(seen, expected, atol=1e-12)


def test_zoom_by_two_doubles_each_pixel_of_a_quarter() -> None:
    mask = np.random.default_rng(0).integers(9, size=(20, 32), dtype=np.uint8)
    image = np.zeros((20, 32, 3), np.uint8)
    _, top_left = moved(image, mask, lambda _: zoom(2, column=0, row=0))
    _, top_right = moved(image, mask, lambda _: zoom(2, column=1, row=0))
    assert np.array_equal(top_left, mask[:10, :16].repeat(2, axis=0).repeat(2, axis=1))
    assert np.array_equal(top_right, mask[:10, 16:].repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("seed", range(5))
def test_warp_solves_fastais_equations(seed: int) -> None:
    magnitudes = tuple(np.random.default_rng(seed).uniform(-0.2, 0.2, size=4))
    np.testing.assert_allclose(symmetric_warp(magnitudes), solved_warp(magnitudes), atol=1e-5)


@pytest.mark.parametrize(
    ("position", "edge", "opposite"),
    [(0, "right", "left"), (1, "left", "right"), (2, "bottom", "top"), (3, "top", "bottom")],
)
def test_each_magnitude_of_the_warp_shortens_its_own_edge(position: int, edge: str, opposite: str) -> None:
    magnitudes = tuple(-0.2 * (each == position) for each in range(4))
    size = (60, 80)
    _, mask = moved(np.zeros((*size, 3), np.uint8), np.ones(size, np.uint8), lambda _: symmetric_warp(magnitudes))
    seen = {"left": mask[:, 0], "right": mask[:, -1], "top": mask[0], "bottom": mask[-1]}
    assert np.mean(seen[edge] == 1) == pytest.approx(0.8, abs=0.05)
    assert np.mean(seen[opposite] == 1) == 1


@pytest.mark.parametrize("seed", range(4))
def test_what_the_warp_uncovers_is_void_and_nothing_else_is(seed: int) -> None:
    size = height, width = 50, 70
    rng = random.Random(seed)
    matrix = rotation(rng.uniform(-10, 10), height / width) @ symmetric_warp((-0.2, 0.1, rng.uniform(-0.2, 0), -0.1))
    image, mask = moved(np.full((*size, 3), 200, np.uint8), np.ones(size, np.uint8), lambda _: matrix)
    rows, columns = np.indices(size)
    x, y, z = np.einsum(
        "ij,jhw->ihw", matrix, [(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1, 1 + 0 * rows]
    )
    outside_px = np.maximum((abs(x / z) - 1) * width / 2, (abs(y / z) - 1) * height / 2)
    assert (mask[outside_px > 0.05] == VOID).all()
    assert (mask[outside_px < -0.05] == 1).all()
    assert 0.02 < np.mean(mask == VOID) < 0.5
    assert (image == 200).all(), "the image is mirrored, not black, where it is uncovered"


@pytest.mark.parametrize("size", [(64, 96), (75, 51)])
def test_image_and_mask_move_together(size: tuple[int, int]) -> None:
    geometry = LessonGeometry(size, max_rotate=10, max_zoom=1.1, max_warp=0.2, p_affine=0.75, fill_mask=VOID)
    pipeline, voids = A.Compose([geometry], seed=0), 0
    ids = np.random.default_rng(0).integers(9, size=(size[0] // 16 + 1, size[1] // 16 + 1), dtype=np.uint8)
    mask = np.kron(ids, np.ones((16, 16), np.uint8))[: size[0], : size[1]]
    image = np.repeat(20 * mask[..., None], 3, axis=2)
    for _ in range(30):
        result = pipeline(image=image, mask=mask)
        around = np.lib.stride_tricks.sliding_window_view(result["mask"], (5, 5))
        inner = around[..., 2, 2]
        voids += np.sum(inner == VOID)
        flat = (around.min(axis=(2, 3)) == around.max(axis=(2, 3))) & (inner != VOID)
        assert flat.mean() > 0.3
        assert np.array_equal(result["image"][2:-2, 2:-2, 0][flat], 20 * inner[flat])
    assert voids > 0


def test_nothing_drawn_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(256, size=(33, 47, 3), dtype=np.uint8), rng.integers(9, size=(33, 47), dtype=np.uint8)
    same_image, same_mask = moved(image, mask, lambda _: np.eye(3))
    assert np.array_equal(same_image, image)
    assert np.array_equal(same_mask, mask)


def smooth(size: tuple[int, int]) -> Array:
    """A wave as long as the image in each channel, each in another direction."""
    y, x = np.indices(size) / np.array(size)[:, None, None]
    waves = [128 + 100 * np.sin(2 * np.pi * wave) for wave in (x, y, x + y)]
    return np.stack(waves, axis=-1).astype(np.uint8)


@pytest.mark.parametrize("source", [(90, 120), (200, 150), (61, 97)])
@pytest.mark.parametrize("target", [(60, 80), (40, 90)])
@pytest.mark.parametrize("seed", range(3))
def test_resizing_on_the_way_equals_resizing_first(source: tuple[int, int], target: tuple[int, int], seed: int) -> None:
    drawn = LessonGeometry(target, max_rotate=20, max_zoom=1.5, max_warp=0.2, p_affine=1)
    matrix = drawn.draw(random.Random(seed), target[0] / target[1])
    points = np.random.default_rng(seed).uniform(0.3, 0.7, size=(3, 2)) * source[::-1]

    def after(*steps: A.DualTransform) -> tuple[Array, Array, Array]:
        pipeline = A.Compose(steps, keypoint_params=A.KeypointParams(format="xy", remove_invisible=False))
        result = pipeline(image=smooth(source), mask=np.ones(source, np.uint8), keypoints=points)
        return result["image"].astype(float), result["mask"], result["keypoints"]

    whole = Fixed(target, lambda _: matrix)
    image, mask, places = after(whole)
    other_image, other_mask, other_places = after(A.Resize(*target, area_for_downscale="image"), whole)
    np.testing.assert_allclose(places, other_places, atol=1e-4)
    assert image.shape == (*target, 3)
    assert np.mean(mask != other_mask) < 0.01
    both = ((mask != VOID) & (other_mask != VOID)).astype(np.uint8)
    inner = cv2.erode(both, np.ones((3, 3), np.uint8)) == 1  # at the edge, the two mirror pixels of different sizes
    difference = np.abs(image - other_image)[inner]
    assert difference.mean() < 0.5
    assert difference.max() < 12


def test_rotation_keeps_right_angles_right_in_the_result() -> None:
    image, mask = marked((80, 80), 20, 0)
    _, turned = moved(image, mask, lambda aspect: rotation(90, aspect), (80, 160))
    # 20 of 80 columns are 40 of 160: as far below or above the centre they are after a quarter turn
    np.testing.assert_allclose(mark_place(turned == 1), [0, -40 + 0.5], atol=1)


def test_zooming_in_shows_each_pixel_of_the_source() -> None:
    rng = np.random.default_rng(0)
    image, mask = rng.integers(256, size=(40, 60, 3), dtype=np.uint8), rng.integers(9, size=(40, 60), dtype=np.uint8)
    shown, ids = moved(image, mask, lambda _: zoom(2, column=1, row=0), (20, 30))
    assert np.array_equal(shown, image[:20, 30:])
    assert np.array_equal(ids, mask[:20, 30:])


def test_detail_too_fine_for_the_result_is_averaged() -> None:
    image = np.random.default_rng(0).integers(256, size=(48, 96, 3), dtype=np.uint8)
    mask = np.kron(np.arange(8, dtype=np.uint8).reshape(2, 4), np.ones((24, 24), np.uint8))
    shown, ids = moved(image, mask, lambda _: np.eye(3), (8, 16))
    np.testing.assert_allclose(shown, image.reshape(8, 6, 16, 6, 3).mean(axis=(1, 3)), atol=1.1)
    assert np.array_equal(ids, mask[3::6, 3::6])


def draws(**limits: float) -> list[Array]:
    """Two thousand homographies of a 3:4 image with only the named parts switched on, the flip undone."""
    values = {"max_rotate": 0.0, "max_zoom": 1.0, "max_warp": 0.0, "p_affine": 0.75, "fill_mask": VOID} | limits
    geometry, rng = LessonGeometry((3, 4), **values), random.Random(0)
    matrices = [geometry.draw(rng, 0.75) for _ in range(2000)]
    flipped = [np.linalg.det(matrix) < 0 for matrix in matrices]
    assert np.mean(flipped) == pytest.approx(0.5, abs=0.04)
    return [matrix @ flip() if turned else matrix for matrix, turned in zip(matrices, flipped, strict=True)]


def test_rotation_is_drawn_evenly_either_way_three_times_in_four() -> None:
    degrees = np.array([math.degrees(math.atan2(matrix[1, 0] * 0.75, matrix[0, 0])) for matrix in draws(max_rotate=10)])
    assert np.mean(degrees != 0) == pytest.approx(0.75, abs=0.04)
    quarters = np.histogram(degrees[degrees != 0], bins=[-10, -5, 0, 5, 10])[0] / np.sum(degrees != 0)
    np.testing.assert_allclose(quarters, 0.25, atol=0.04)


def test_zoom_enlarges_only_and_never_looks_outside() -> None:
    matrices = np.array(draws(max_zoom=1.5))
    scale = 1 / matrices[:, 0, 0]
    assert np.mean(scale != 1) == pytest.approx(0.75, abs=0.04)
    assert (scale.min(), scale.max()) == (1, pytest.approx(1.5, abs=0.01))
    np.testing.assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])
    slack = (1 - 1 / scale)[scale > 1.05]
    place = matrices[scale > 1.05][:, :2, 2] / slack[:, None]
    assert np.abs(place).max() <= 1 + 1e-9
    np.testing.assert_allclose(np.histogramdd(place, bins=(2, 2))[0] / len(place), 0.25, atol=0.04)


def test_warp_draws_each_edge_within_its_limit() -> None:
    corners = np.array([[-1, -1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, 1]]).T
    shown = np.linalg.inv(draws(max_warp=0.2)) @ corners
    x, y = shown[:, 0] / shown[:, 2], shown[:, 1] / shown[:, 2]
    edges = np.stack([-1 - x[:, 0], x[:, 2] - 1, -1 - x[:, 1], x[:, 3] - 1, -1 - y[:, 0], y[:, 1] - 1, y[:, 3] - 1])
    still = np.abs(edges).max(axis=0) < 1e-9
    assert np.mean(~still) == pytest.approx(0.75, abs=0.04)
    np.testing.assert_allclose(edges[0], edges[1], atol=1e-5)
    np.testing.assert_allclose(edges[2], edges[3], atol=1e-5)
    assert np.abs(edges).max() <= 0.2 + 1e-5
    correlation = np.corrcoef(edges[[0, 2, 4, 6]][:, ~still])
    assert np.abs(correlation - np.eye(4)).max() < 0.1


class Recorded(LessonGeometry):
    """The transform with crops from a fifth of the area, and what it has drawn."""

    def __init__(self, size: tuple[int, int], **more: Any) -> None:
        super().__init__(size, max_rotate=10, max_zoom=1, max_warp=0.2, p_affine=0.75, min_area=0.2, **more)
        self.drawn: list[Array] = []

    def draw(self, rng: random.Random, aspect: float) -> Array:
        self.drawn.append(super().draw(rng, aspect))
        return self.drawn[-1]


@pytest.mark.parametrize("seed", range(8))
def test_of_several_crops_the_one_with_the_most_rare_pixels_is_kept(seed: int) -> None:
    mask = np.random.default_rng(seed).integers(0, 6, (6, 8)).repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
    image, size, rare = np.repeat(40 * mask[..., None], 3, axis=2), (24, 32), [2, 5]
    best_of_four = Recorded(size, crops=4, rare=rare)
    result = A.Compose([best_of_four], seed=seed)(image=image, mask=mask)
    crops = [moved(image, mask, lambda _, one=one: one, size) for one in best_of_four.drawn]
    number = [np.isin(crop, rare).sum() for _, crop in crops]
    assert len(crops) == 4
    assert min(number) < max(number)
    for part, crop in zip(("image", "mask"), crops[int(np.argmax(number))], strict=True):
        np.testing.assert_array_equal(result[part], np.where(crop == VOID, 0, crop) if part == "mask" else crop)


@pytest.mark.parametrize("min_area", [0.25, 0.8])
def test_a_crop_keeps_a_uniform_fraction_of_the_area_and_any_part_of_the_frame(min_area: float) -> None:
    matrices = np.array(draws(min_area=min_area, max_zoom=1.1, p_affine=0))
    np.testing.assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])  # in the frame's own proportions
    sides = matrices[:, 0, 0]
    fractions = np.histogram(sides**2, bins=np.linspace(min_area, 1, 5))[0] / len(sides)
    np.testing.assert_allclose(fractions, 0.25, atol=0.04)
    assert (sides < 1).all(), "there is a crop in every draw"
    place = matrices[:, :2, 2] / (1 - sides)[:, None]
    assert np.abs(place).max() <= 1 + 1e-9
    np.testing.assert_allclose(np.histogramdd(place, bins=(2, 2))[0] / len(place), 0.25, atol=0.04)
