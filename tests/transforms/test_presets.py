"""The two pipelines: any size to any size, ids stay ids, and training differs from evaluation by the lesson's draws."""

import numpy as np
import numpy.typing as npt
import pytest

from triptych.transforms import camvid_pipeline, evaluation_pipeline

Array = npt.NDArray[np.generic]
VOID = 30


def image_and_mask(height: int, width: int) -> dict[str, Array]:
    """Noise with a mask of the ids 3, 7 and 12 in blocks."""
    rng = np.random.default_rng(0)
    blocks = rng.choice([3, 7, 12], size=(-(-height // 8), -(-width // 8)))
    mask = np.kron(blocks, np.ones((8, 8), int))[:height, :width].astype(np.uint8)
    return {"image": rng.integers(256, size=(height, width, 3), dtype=np.uint8), "mask": mask}


@pytest.mark.parametrize("source", [(48, 64), (33, 57), (70, 21)])
@pytest.mark.parametrize("target", [(24, 32), (45, 31), (96, 160), (1, 1)])
def test_any_size_becomes_any_size_and_masks_keep_to_their_ids(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    training = camvid_pipeline(target, VOID), camvid_pipeline(target, VOID, min_area=0.2)
    for pipeline in (evaluation_pipeline(target), *training):
        ids = {3, 7, 12, VOID} if pipeline in training else {3, 7, 12}
        result = pipeline(**image_and_mask(*source))
        assert (result["image"].shape, result["image"].dtype) == ((*target, 3), np.uint8)
        assert (result["mask"].shape, result["mask"].dtype) == (target, np.uint8)
        assert set(np.unique(result["mask"])) <= ids


def test_evaluation_leaves_an_image_of_its_size_alone() -> None:
    before = image_and_mask(30, 50)
    after = evaluation_pipeline((30, 50))(**before)
    assert np.array_equal(after["image"], before["image"])
    assert np.array_equal(after["mask"], before["mask"])


def test_shrinking_averages_the_image_and_picks_from_the_mask() -> None:
    before = image_and_mask(32, 48)
    after = evaluation_pipeline((8, 12))(**before)
    blocks = before["image"].reshape(8, 4, 12, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(after["image"], blocks, atol=0.51)
    assert np.array_equal(after["mask"], before["mask"][::4, ::4])


def test_enlarging_keeps_image_and_mask_aligned() -> None:
    mask = np.kron([[1, 2], [3, 4]], np.ones((10, 15))).astype(np.uint8)
    image = np.repeat(50 * mask[..., None], 3, axis=2)
    after = evaluation_pipeline((60, 90))(image=image, mask=mask)
    assert np.array_equal(after["mask"], mask.repeat(3, axis=0).repeat(3, axis=1))
    sure = np.ones((60, 90), bool)
    sure[27:33], sure[:, 42:48] = False, False
    assert np.array_equal(after["image"][..., 0][sure], 50 * after["mask"][sure])


def test_training_takes_the_lessons_values() -> None:
    geometry, lighting = camvid_pipeline((8, 8), VOID).transforms
    limits = geometry.max_rotate, geometry.max_zoom, geometry.max_warp, geometry.p_affine, geometry.fill_mask
    assert limits == (10, 1.1, 0.2, 0.75, VOID)
    assert geometry.min_area == 1
    assert (lighting.max_lighting, lighting.p_lighting) == (0.2, 0.75)
