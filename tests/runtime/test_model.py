"""An exported model gives what its network says, in the size of each image."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from exported_files import NAMES, SIZE, weights, write_exported
from PIL import Image

from triptych.errors import BadSampleError, MissingDataError
from triptych.images import read_rgb
from triptych.models.class_ids import resized_ids
from triptych.runtime import Model, load
from triptych.transforms import evaluation_pipeline

TASKS = sorted(NAMES)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An exported model of each task; read-only."""
    return {task: write_exported(tmp_path_factory.mktemp("exported") / task, task) for task in TASKS}


@pytest.fixture
def models(folders: dict[str, Path]) -> dict[str, Model]:
    return {task: load(folder) for task, folder in folders.items()}


def picture(height: int = 50, width: int = 70, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Smooth colours, so that a mask has regions."""
    coarse = np.random.default_rng(seed).integers(256, size=(4, 5, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def as_validated(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """An image as validation and `triptych predict` give it to the network, float32 (H, W, C)."""
    return evaluation_pipeline(SIZE)(image=pixels, keypoints=[])["image"].astype(np.float32)


@pytest.mark.parametrize("size", [SIZE, (50, 70), (13, 100), (7, 9)])
def test_a_mask_is_that_of_predict_in_the_size_of_the_image(models: dict[str, Model], size: tuple[int, int]) -> None:
    pixels = picture(*size)
    logits = torch.from_numpy(weights("mask") @ as_validated(pixels).reshape(-1, 3).T).reshape(-1, *SIZE)
    result = models["mask"](pixels)
    expected = resized_ids(logits, size).numpy()
    assert result.mask.dtype == np.uint8 and result.size == size and len(np.unique(expected)) > 1
    assert (result.mask == expected).mean() >= 0.9999


def test_probabilities_of_pixels_are_those_of_the_resized_logits(models: dict[str, Model]) -> None:
    result = models["mask"](picture())
    logits = torch.nn.functional.interpolate(torch.from_numpy(result.output)[None], (50, 70), mode="bilinear")
    expected = logits[0].softmax(dim=0).numpy()
    np.testing.assert_allclose(result.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(result.confidence, expected.max(axis=0), atol=1e-5)


def test_points_are_in_pixels_of_the_image(models: dict[str, Model]) -> None:
    pixels = picture()
    mean = as_validated(pixels).mean(axis=(0, 1))
    expected = (np.tanh(weights("point") @ mean).reshape(2, 2) + 1) / 2 * (50, 70)
    points = models["point"](pixels).points
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, expected, atol=0.01)


def test_tags_are_those_above_their_thresholds_and_the_highest_comes_first(
    models: dict[str, Model], tmp_path: Path
) -> None:
    pixels = picture()
    mean = as_validated(pixels).mean(axis=(0, 1))
    expected = dict(zip(NAMES["labels"], 1 / (1 + np.exp(-weights("labels") @ mean)), strict=True))
    result = models["labels"](pixels)
    assert result.probabilities == pytest.approx(expected, abs=1e-4)
    assert [*result.probabilities] == sorted(expected, key=expected.__getitem__, reverse=True)
    first, second, third = result.probabilities
    limits = {first: 0.99, second: 0.9 * result.probabilities[second], third: 0.9 * result.probabilities[third]}
    model = load(write_exported(tmp_path, "labels", thresholds={"fixed": [limits[name] for name in NAMES["labels"]]}))
    assert [*model(pixels).tags] == [second, third]


def test_files_images_and_arrays_alone_or_in_a_list_give_the_same(models: dict[str, Model], tmp_path: Path) -> None:
    path = tmp_path / "street.png"
    Image.fromarray(picture()).save(path)
    given = [str(path), path, Image.open(path), picture()]
    for model in models.values():
        alone = model(path).output
        assert all(np.array_equal(model(one).output, alone) for one in given)
        assert all(np.array_equal(one.output, alone) for one in model(given))
    assert models["mask"]([]) == []


def test_a_photograph_is_answered_as_it_is_shown(models: dict[str, Model], tmp_path: Path) -> None:
    path, exif = tmp_path / "phone.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture()).save(path, exif=exif)
    result = models["mask"](path)
    assert result.mask.shape == (70, 50)
    assert np.array_equal(result.mask, models["mask"](read_rgb(path)).mask)
    assert np.array_equal(result.mask, models["mask"](Image.open(path)).mask)
    assert result.overlay().height >= 70


def test_images_beyond_a_batch_are_read_when_their_turn_comes(folders: dict[str, Path]) -> None:
    model = load(folders["labels"])
    model.inputs.batch_size, given = 2, []

    def images() -> Any:
        for seed in range(5):
            given.append(seed)
            yield picture(seed=seed)

    results = model.results(images())
    first = next(results)
    assert given == [0, 1]
    outputs = [result.output for result in [first, *results]]
    assert np.array_equal(outputs, [model(picture(seed=seed)).output for seed in range(5)])


def test_16_bits_are_read_by_the_scale_of_the_training_data_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    cv2.imwrite(str(path), picture().astype(np.uint16) * 16)
    scaled = load(write_exported(tmp_path / "scaled", "mask", scale=4080))
    assert np.array_equal(scaled(path).mask, scaled(picture()[..., ::-1].copy()).mask)
    with pytest.raises(BadSampleError, match=r"deep\.png: expected 8 bits, got 3 bands of 16 bits"):
        load(write_exported(tmp_path / "plain", "mask"))(path)


def test_four_bands_are_drawn_by_the_first_three(tmp_path: Path) -> None:
    model, bands = load(write_exported(tmp_path, "mask", channels=4)), np.dstack([picture(), picture()[..., 0]])
    assert model(bands).overlay().size[1] >= 50
    with pytest.raises(ValueError, match=re.escape("image: expected 4 channels (in_channels), got 3.")):
        model(picture())


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((5, 5, 2), np.uint8), "image: expected 3 channels (in_channels), got 2."),
        (np.zeros((5, 5, 3), np.float32), "image: expected a path, a PIL image or an array uint8 (H, W, C), got fl"),
        (np.zeros((0, 5, 3), np.uint8), "image: expected at least one pixel, got 5x0."),
        (None, "image: expected a path, a PIL image or an array uint8 (H, W, C), got NoneType."),
    ],
)
def test_what_is_no_image_of_the_model_is_refused(models: dict[str, Model], image: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        models["mask"](image)


def test_an_image_that_does_not_exist_is_named(models: dict[str, Model], tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"absent\.png: no such file"):
        models["point"](tmp_path / "absent.png")


@pytest.mark.parametrize(
    ("task", "name", "has"),
    [
        ("mask", "points", "mask, confidence, probabilities and overlay()"),
        ("point", "probabilities", "points and overlay()"),
        ("labels", "overlay", "tags and probabilities"),
    ],
)
def test_what_a_task_does_not_give_is_told_in_one_line(
    models: dict[str, Model], task: str, name: str, has: str
) -> None:
    result = models[task](picture())
    with pytest.raises(AttributeError, match=re.escape(f"has no {name}; it has {has}.")):
        getattr(result, name)
    assert not hasattr(result, name)
