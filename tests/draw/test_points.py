"""Drawn points: at the right place, visible on dark and light, and most of the image stays visible."""

import numpy as np
import numpy.typing as npt
import pytest

from triptych.draw.points import PREDICTED, TRUE, draw_points

Array = npt.NDArray[np.uint8]


def grey(height: int, width: int, value: int) -> Array:
    return np.full((height, width, 3), value, np.uint8)


def where(drawn: Array, color: tuple[int, int, int]) -> Array:
    """Rows and columns (N, 2) of the pixels of one colour, legend aside."""
    places = np.argwhere((drawn == color).all(axis=2))
    height, width = drawn.shape[:2]
    return places[(places[:, 0] > 0.3 * height) | (places[:, 1] > 0.5 * width)]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio as in the Web's guidelines (WCAG 2.1), which require at least 3 for graphics."""

    def luminance(color: tuple[int, int, int]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(color) / 255]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("size", [(48, 64), (120, 160), (480, 640), (900, 500)])
def test_cross_and_ring_lie_where_the_points_are(size: tuple[int, int]) -> None:
    height, width = size
    predicted, true = (0.75 * height, 0.25 * width), (0.6 * height, 0.8 * width)
    drawn = np.array(draw_points(grey(*size, 128), [predicted], [true]))
    assert drawn.shape == (*size, 3)
    for color, (y, x) in ((PREDICTED, predicted), (TRUE, true)):
        places = where(drawn, color)
        np.testing.assert_allclose((places.min(axis=0) + places.max(axis=0)) / 2 + 0.5, (y, x), atol=1)
    center = drawn[round(true[0]), round(true[1])]
    assert center.tolist() == [128] * 3, "the ring hides what it surrounds"


@pytest.mark.parametrize("value", [0, 40, 128, 215, 255])
def test_both_marks_stand_out_on_any_ground(value: int) -> None:
    drawn = np.array(draw_points(grey(240, 320, value), [(170, 100)], [(170, 220)]))
    ground = (value,) * 3
    for column in (100, 220):
        around = drawn[140:200, column - 30 : column + 30].reshape(-1, 3)
        colors = {tuple(color) for color in around.tolist()} - {ground}
        assert max(contrast(color, ground) for color in colors) > 3
    assert contrast(PREDICTED, (255, 255, 255)) > 3
    assert contrast(TRUE, (0, 0, 0)) > 3


@pytest.mark.parametrize(
    ("size", "most"), [((480, 640), 0.02), ((240, 320), 0.04), ((120, 160), 0.08), ((48, 64), 0.25)]
)
def test_most_of_the_picture_stays_as_it_is(size: tuple[int, int], most: float) -> None:
    image = np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)
    before = image.copy()
    drawn = np.array(draw_points(image, [(size[0] / 2, size[1] / 2)], [(size[0] / 2 + 3, size[1] / 2 + 4)]))
    assert np.array_equal(image, before), "the caller's array was drawn on"
    assert np.mean((drawn != image).any(axis=2)) < most


def test_without_truth_there_is_neither_ring_nor_its_word() -> None:
    alone = np.array(draw_points(grey(240, 320, 128), [(150, 200)]))
    both = np.array(draw_points(grey(240, 320, 128), [(150, 200)], [(150, 200)]))
    assert not (alone == TRUE).all(axis=2).any()
    assert (alone == PREDICTED).all(axis=2).any()
    assert (both == TRUE).all(axis=2).any()


def test_truth_alone_is_not_called_a_prediction() -> None:
    alone = np.array(draw_points(grey(240, 320, 128), [], [(150, 200)]))
    assert not (alone == PREDICTED).all(axis=2).any()
    assert (alone == TRUE).all(axis=2).any()


def test_several_points_are_all_drawn_and_one_outside_spoils_nothing() -> None:
    points = [(60.0, 60.0), (100.0, 150.0), (180.0, 90.0), (-40.0, 900.0)]
    drawn = np.array(draw_points(grey(240, 320, 128), points, points))
    for y, x in points[:3]:
        assert tuple(drawn[int(y), int(x)].tolist()) == PREDICTED


def test_missing_true_points_are_not_drawn() -> None:
    nothing = (float("nan"), float("nan"))
    some = np.array(draw_points(grey(240, 320, 128), [(60.0, 60.0)], [nothing, (170.0, 220.0)]))
    alone = np.array(draw_points(grey(240, 320, 128), [(60.0, 60.0)], [(170.0, 220.0)]))
    none = np.array(draw_points(grey(240, 320, 128), [(60.0, 60.0)], [nothing]))
    assert np.array_equal(some, alone)
    assert np.array_equal(none, np.array(draw_points(grey(240, 320, 128), [(60.0, 60.0)])))


def test_the_marks_of_68_points_leave_most_of_a_face_visible() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((60, 80), (180, 240), (68, 2)).tolist()
    drawn = np.array(draw_points(grey(240, 320, 128), points, [(y + 2, x) for y, x in points]))
    face = drawn[60:180, 80:240]
    assert np.mean((face != 128).any(axis=2)) < 0.4
    for color in (PREDICTED, TRUE):
        assert (face == color).all(axis=2).sum() > 68
