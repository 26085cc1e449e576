"""Brightness and contrast on log-odds, by fastai 1.0's formulas."""

import math

import albumentations as A
import numpy as np
import pytest

from triptych.transforms.lighting import LessonLighting, lighting_table


def fastai_value(pixel: int, change: float, scale: float) -> float:
    """A pixel value after fastai's `brightness(change)` and then `contrast(scale)`, which share one logit."""
    value = min(max(pixel / 255, 1e-7), 1 - 1e-7)
    logit = -math.log(1 / value - 1)
    logit = (logit + math.log(change / (1 - change))) * scale
    return 255 / (1 + math.exp(-logit))


@pytest.mark.parametrize("change", [0.4, 0.45, 0.5, 0.6])
@pytest.mark.parametrize("scale", [0.8, 1, 1.25])
def test_table_follows_fastais_formula(change: float, scale: float) -> None:
    table = lighting_table(change, scale)
    expected = [fastai_value(pixel, change, scale) for pixel in range(256)]
    assert (table.dtype, table.shape) == (np.uint8, (256,))
    np.testing.assert_allclose(table, expected, atol=0.5 + 1e-9)


def test_half_and_one_change_nothing() -> None:
    assert lighting_table(0.5, 1).tolist() == list(range(256))


@pytest.mark.parametrize(("change", "scale"), [(0.4, 0.8), (0.6, 1.25), (0.4, 1.25), (0.01, 3)])
def test_order_of_values_and_both_ends_are_kept(change: float, scale: float) -> None:
    table = lighting_table(change, scale).astype(int)
    assert (np.diff(table) >= 0).all()
    assert (table[0], table[255]) == (0, 255)


def test_mid_grey_becomes_the_brightness_and_contrast_turns_about_it() -> None:
    assert lighting_table(0.6, 1)[[127, 128]].tolist() == [153, 153]
    strong = lighting_table(0.5, 1.25)
    assert strong[[127, 128]].tolist() == [127, 128]
    assert strong[64] < 64
    assert strong[192] > 192


def test_only_the_image_changes_and_each_channel_alike() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    mask = image[..., 0].copy()
    result = A.Compose([LessonLighting(max_lighting=0.2, p_lighting=1)], seed=0)(image=image, mask=mask)
    assert np.array_equal(result["mask"], mask)
    assert not np.array_equal(result["image"], image)
    assert (result["image"] == result["image"][..., :1]).all()


def test_no_lighting_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(256, size=(8, 9, 3), dtype=np.uint8)
    for pipeline in (LessonLighting(max_lighting=0.2, p_lighting=0), LessonLighting(max_lighting=0, p_lighting=1)):
        assert np.array_equal(A.Compose([pipeline], seed=0)(image=image)["image"], image)
