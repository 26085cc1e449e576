"""What goes into a model is understood if it is unambiguous, and else refused in one line with what came."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_fit import TINY
from torch import Tensor
from torch.utils.data import DataLoader

from triptych import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.synthetic import make_streets
from triptych.tasks.inputs import check_batch

IMAGES = torch.randint(0, 256, (3, 3, 8, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
MASK = torch.arange(3 * 8 * 12).reshape(3, 8, 12) % 5
POINTS, LABELS = torch.zeros(3, 1, 2), torch.tensor([[1, 0], [0, 1], [1, 1]])


def checked(batch: Any, target: Any, outputs: int) -> dict[str, Any]:
    found: dict[str, Any] = check_batch(batch, target, 3, outputs, 255)
    return found


@pytest.mark.parametrize(
    "mask", [MASK, MASK.byte(), MASK.int(), MASK[:, None], MASK.masked_fill(MASK == 1, 255)], ids=list("abcde")
)
def test_masks_of_any_whole_type_become_class_ids(mask: Tensor) -> None:
    batch = checked((IMAGES, mask), "mask", 5)
    assert batch["mask"].dtype == torch.int64
    assert torch.equal(batch["mask"], mask.reshape(3, 8, 12).long())
    assert batch["size"].tolist() == [[8, 12]] * 3


@pytest.mark.parametrize("labels", [LABELS, LABELS.bool(), LABELS.float(), LABELS.byte()], ids=lambda x: str(x.dtype))
def test_labels_of_any_type_become_numbers(labels: Tensor) -> None:
    found = checked({"image": IMAGES, "labels": labels}, "labels", 2)["labels"]
    assert found.dtype == torch.float32 and found.tolist() == LABELS.tolist()


def test_flat_points_of_one_point_get_their_axis_and_keep_their_values() -> None:
    flat = torch.rand(3, 2)
    assert torch.equal(checked((IMAGES, flat), "point", 1)["point"], flat[:, None])


@pytest.mark.parametrize("known", [0, 1, 5])
def test_points_may_be_missing_in_some_images_or_in_all(known: int) -> None:
    points = torch.full((3, 2, 2), torch.nan)
    points.view(-1, 2)[:known] = 0.5
    assert torch.equal(checked((IMAGES, points), "point", 2)["point"].nan_to_num(9), points.nan_to_num(9))


def test_what_a_batch_has_beside_stays_and_images_alone_are_a_batch() -> None:
    assert checked({"image": IMAGES, "mask": MASK, "path": ["a", "b", "c"]}, "mask", 5)["path"] == ["a", "b", "c"]
    assert checked(IMAGES, "mask", 5)["image"] is IMAGES


WRONG: dict[str, tuple[Any, str, int, str]] = {
    "scaled": (
        IMAGES / 255,
        "mask",
        5,
        r"images: expected plain pixels, uint8 in \[0, 255\], got float32 in \[0, 1\];",
    ),
    "normalised": (IMAGES / 64 - 2, "mask", 5, r"images: expected plain pixels, .*, got float32 in \[-2, 1\.98\];"),
    "one image": (IMAGES[0], "mask", 5, r"images: expected a tensor \(N, C, H, W\), got \(3, 8, 12\)\."),
    "grey": (IMAGES[:, :1], "mask", 5, r"images: expected 3 channels \(in_channels\), got 1\."),
    "a name": ("x", "mask", 5, r"batch: expected image and mask as a mapping, or a pair .*, got str\."),
    "other keys": ({"img": IMAGES}, "mask", 5, r"batch: .*, got the keys img\."),
    "probabilities": ((IMAGES, MASK / 5), "mask", 5, r"mask: expected class ids, int64 \(3, 8, 12\), got float32 .*"),
    "another size": (
        (IMAGES, MASK[:, 1:]),
        "mask",
        5,
        r"mask: expected class ids, int64 \(3, 8, 12\), got .* \(3, 7, 12\)",
    ),
    "an id too high": ((IMAGES, MASK + 3), "mask", 5, r"mask: expected class ids 0 to 4, or 255 for void .*, got \d\."),
    "fewer masks": ((IMAGES, MASK[:2]), "mask", 5, r"mask: expected a tensor with one entry for each of 3 images, .*"),
    "pixels": (
        (IMAGES, POINTS + 100),
        "point",
        1,
        r"point: expected \(y, x\) in \[-1, 1\] of the image, or NaN for a missing point, got 100;",
    ),
    "flat of several": (
        (IMAGES, torch.rand(3, 2)),
        "point",
        2,
        r"point: expected \(y, x\) of 2 points, .*, got \(3, 2\)",
    ),
    "infinity": (
        (IMAGES, POINTS + torch.inf),
        "point",
        1,
        r"point: expected \(y, x\) in \[-1, 1\] of the image, or NaN for a missing point, got inf;",
    ),
    "pixels beside missing points": (
        (IMAGES, torch.tensor([[[40.5, 30.0]], [[torch.nan, torch.nan]], [[20.0, 11.5]]])),
        "point",
        1,
        r"point: expected \(y, x\) in \[-1, 1\] of the image, .*, got 40\.5;",
    ),
    "class numbers": (
        (IMAGES, torch.tensor([0, 1, 1])),
        "labels",
        2,
        r"labels: expected 0 or 1 for each of 2 tags, .*",
    ),
    "counts": ((IMAGES, LABELS + 1), "labels", 2, r"labels: expected values in \[0, 1\], got 1 to 2\."),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_ambiguous_or_wrong_is_refused_with_what_came(case: str) -> None:
    batch, target, outputs, words = WRONG[case]
    with pytest.raises(ValueError, match=f"^{words}") as caught:
        checked(batch, target, outputs)
    assert "\n" not in str(caught.value)


def test_whole_pixels_as_floats_give_the_logits_of_uint8() -> None:
    model = UNetSegmenter(num_classes=5, **TINY).eval()
    assert torch.equal(model(IMAGES.float()), model(IMAGES))


def test_a_fit_on_batches_of_ones_own_needs_neither_sizes_nor_paths(make_trainer) -> None:
    samples = [{"image": IMAGES[0], "point": torch.zeros(2)}] * 4
    make_trainer().fit(PointRegressor(**TINY), DataLoader(samples, batch_size=2), DataLoader(samples, batch_size=2))


def test_predict_takes_files_images_arrays_and_lists_of_them_alike(tmp_path: Path) -> None:
    root = make_streets(tmp_path / "streets", num_frames=2, image_size=(40, 56))
    path = sorted((root / "images").iterdir())[0]
    model = UNetSegmenter(num_classes=5, **TINY).train()
    image = Image.open(path)
    expected = model.predict(path)
    assert (expected.dtype, expected.shape) == (np.uint8, (40, 56))
    for one in (str(path), image, np.asarray(image.convert("RGB"))):
        assert np.array_equal(model.predict(one), expected)
    assert [mask.shape for mask in model.predict([path, np.zeros((30, 20, 3), np.uint8)])] == [(40, 56), (30, 20)]
    assert model.training


def test_predict_takes_photographs_as_they_are_shown(tmp_path: Path) -> None:
    exif, pixels = Image.Exif(), np.random.default_rng(0).integers(256, size=(40, 56, 3), dtype=np.uint8)
    exif[274] = 6  # a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    model = UNetSegmenter(num_classes=5, **TINY)
    expected = model.predict(np.rot90(pixels, -1))
    assert expected.shape == (56, 40)
    for one in (tmp_path / "a.png", Image.open(tmp_path / "a.png")):
        assert np.array_equal(model.predict(one), expected)


def test_predict_scales_files_of_more_than_8_bits_as_it_is_told_or_refuses_them(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(4096, size=(40, 56)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    model = UNetSegmenter(num_classes=5, **TINY)
    expected = model.predict(np.rint(pixels / 4095 * 255).astype(np.uint8))
    assert np.array_equal(model.predict(tmp_path / "a.png", scale=4095), expected)
    with pytest.raises(ValueError, match=r"a\.png: expected 8 bits, got 1 band of 16 bits; pass the scale of"):
        model.predict(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"^image: expected a PIL image of 3 bands of 8 bits, got mode I;16; pass the"):
        model.predict(Image.fromarray(pixels))


def test_predict_gives_points_in_pixels_and_tags_with_their_probabilities() -> None:
    grey = np.full((40, 60, 3), 128, np.uint8)
    points = PointRegressor(num_points=2, **TINY).predict(grey)
    assert points.shape == (2, 2) and (points >= 0).all() and (points <= [40, 60]).all()
    model = MultiLabelClassifier(num_labels=3, tags=["a", "b", "c"], threshold=0.0, **TINY)
    found = model.predict(grey)
    assert {*found} == {"a", "b", "c"} and [*found.values()] == sorted(found.values(), reverse=True)


@pytest.mark.parametrize(
    "image", [3, np.zeros((8, 8, 3)), np.zeros((8, 8, 2), np.uint8)], ids=lambda x: type(x).__name__
)
def test_predict_refuses_what_is_no_image(image: Any) -> None:
    with pytest.raises(ValueError, match=r"^image: expected .*, got "):
        UNetSegmenter(num_classes=5, **TINY).predict(image)


def test_an_image_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "gone.png"))):
        UNetSegmenter(num_classes=5, **TINY).predict(tmp_path / "gone.png")
