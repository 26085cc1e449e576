"""In a mirrored image left and right points change places, and points that are missing stay missing."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from points_files import COLORS, NAMES, PAIRS, dots, face

from triptych.datamodules.points import index_pairs
from triptych.transforms import Pipeline, biwi_pipeline, evaluation_pipeline
from triptych.transforms.geometry import LessonGeometry

SIZE = (120, 160)
PARTNER = {**{name: name for name in NAMES}, **dict(PAIRS), **{right: left for left, right in PAIRS}}
Array = npt.NDArray[np.float64]


def drawn(pipeline: Pipeline, image: npt.NDArray[np.uint8], keypoints: Array, seed: int) -> tuple[Array, Array]:
    """Image and points (P, 2) of one draw."""
    pipeline.set_random_seed(seed)
    result = pipeline(image=image, keypoints=keypoints)
    return result["image"], result["keypoints"]


def without_light(size: tuple[int, int], **arguments: object) -> Pipeline:
    """The lesson's geometry for portraits alone, so that colours stay."""
    pipeline = biwi_pipeline(size, **arguments)
    return Pipeline(pipeline.transforms[:1], keypoint_params=pipeline.processors["keypoints"].params)


def color_at(image: Array, place: Array) -> str:
    """The name of the dot at (x, y) pixels."""
    x, y = np.clip(place, 0, np.array(image.shape[1::-1]) - 1).astype(int)
    return min(NAMES, key=lambda name: int(np.abs(image[y, x].astype(int) - COLORS[name]).sum()))


def handedness(points: Array) -> float:
    """The sign of the turn from the left eye to the right one and on to the nose, which mirroring reverses."""
    first, second = (later - before for before, later in pairwise(points[:3]))
    return float(np.sign(first[0] * second[1] - first[1] * second[0]))


def test_what_lies_under_a_point_of_a_mirrored_image_is_its_partner() -> None:
    rng, mirrored = np.random.default_rng(0), 0
    pipeline = without_light(SIZE, flip_pairs=index_pairs(PAIRS, NAMES))
    for seed in range(60):
        points = face(rng, (240, 320))
        image, places = drawn(pipeline, dots((240, 320), points, radius=9), np.array([*points.values()]), seed)
        under = [color_at(image, place) for place in places]
        is_mirrored = under[0] != NAMES[0]
        assert under == ([PARTNER[name] for name in NAMES] if is_mirrored else NAMES)
        assert handedness(places) == handedness(np.array([*points.values()])), "left is left of right, as it was"
        mirrored += is_mirrored
    assert 15 < mirrored < 45


@pytest.mark.parametrize("flip_pairs", [(), None])
def test_without_pairs_each_point_stays_on_its_own_dot(flip_pairs) -> None:
    rng, mirrored = np.random.default_rng(1), set()
    for seed in range(30):
        points = face(rng, (240, 320))
        image, places = drawn(
            without_light(SIZE, flip_pairs=flip_pairs), dots((240, 320), points, 9), np.array([*points.values()]), seed
        )
        assert [color_at(image, place) for place in places] == NAMES
        mirrored.add(handedness(places) != handedness(np.array([*points.values()])))
    assert mirrored == ({False} if flip_pairs is None else {False, True})


def test_every_symmetry_of_the_square_that_mirrors_swaps_the_pair() -> None:
    """A transposed image is a mirrored one too; one that is turned by a quarter or a half is not."""
    geometry = LessonGeometry(
        (64, 64), max_rotate=0, max_zoom=1, max_warp=0, p_affine=0, symmetries="square", flip_pairs=[(0, 1)]
    )
    pipeline = Pipeline([geometry], keypoint_params=biwi_pipeline((8, 8)).processors["keypoints"].params)
    points, turns = np.array([(20.0, 20.0), (40.0, 22.0), (31.0, 50.0)]), set()
    for seed in range(40):
        _, places = drawn(pipeline, np.zeros((64, 64, 3), np.uint8), points, seed)
        assert handedness(places) == handedness(points)
        turns.add(tuple(places.round(6).ravel()))
    assert len(turns) == 8


def test_a_missing_point_stays_missing_and_its_partner_takes_its_place_in_a_mirrored_image() -> None:
    rng = np.random.default_rng(2)
    pipeline = without_light(SIZE, flip_pairs=index_pairs(PAIRS, NAMES))
    found = set()
    for seed in range(40):
        points = face(rng, (240, 320))
        image = dots((240, 320), points, radius=9)
        whole = drawn(pipeline, image, np.array([*points.values()]), seed)[1]
        keypoints = np.array([*points.values()])
        keypoints[[0, 3]] = np.nan
        places = drawn(pipeline, image, keypoints, seed)[1]
        missing = np.flatnonzero(np.isnan(places).all(axis=1)).tolist()
        assert missing in ([0, 3], [1, 4])
        if np.allclose(places[2], whole[2]):  # the same draw; a point that is not there cannot refuse one
            np.testing.assert_allclose(places[~np.isnan(places)], np.delete(whole, missing, axis=0).ravel())
        found.add(missing[0])
    assert found == {0, 1}


def test_an_image_without_any_point_is_still_augmented() -> None:
    keypoints, image = np.full((3, 2), np.nan), dots((48, 64), {"nose": (30, 20)})
    pipeline = biwi_pipeline((48, 64))
    pipeline.set_random_seed(0)
    result = pipeline(image=image, keypoints=keypoints)
    assert np.isnan(result["keypoints"]).all() and result["keypoints"].shape == (3, 2)
    assert not any(params.get("only_resized") for _, params in result["applied_transforms"])
    assert not np.array_equal(result["image"], image)


def test_resizing_keeps_missing_points_missing() -> None:
    keypoints = np.array([(10.0, 20.0), (np.nan, np.nan)])
    _, places = drawn(evaluation_pipeline((24, 32)), np.zeros((48, 64, 3), np.uint8), keypoints, 0)
    np.testing.assert_allclose(places, [(5, 10), (np.nan, np.nan)])


def test_an_indices_of_a_pair_mean_the_same_as_its_names() -> None:
    assert index_pairs(PAIRS, NAMES) == index_pairs([[0, 1], [3, 4]], NAMES) == [(0, 1), (3, 4)]
    assert index_pairs([[1, 2]], ["2", "1"]) == [(1, 0)]  # landmarks that are named by numbers
