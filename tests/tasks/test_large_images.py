"""Masks of large images: one in memory at a time, or in tiles at the image's own size."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from largest import Largest
from PIL import Image

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule, PointRegressor, UNetSegmenter
from triptych.callbacks import MaskWriter
from triptych.datasets.camvid_classes import class_colors
from triptych.models.tiles import tiled_ids

SMALL = {"encoder": "resnet18", "encoder_weights": None}
WHOLE = "tile: expected none, as {} are predicted from a whole image and not from its parts, got 512; leave it out."


def segmenter(num_classes: int) -> UNetSegmenter:
    torch.manual_seed(0)
    return UNetSegmenter(num_classes, ignore_index=None, **SMALL)


def test_huge_predictions_are_made_one_at_a_time_in_strips() -> None:
    model = segmenter(num_classes=32).eval()
    batch = {"image": torch.zeros(2, 3, 32, 48, dtype=torch.uint8), "size": torch.tensor([[600, 800]] * 2)}
    with torch.no_grad(), Largest() as largest:
        sizes = [(len(mask), mask.max() < 32) for mask in model.predict_step(batch, 0)]
    assert sizes == [(600, True)] * 2
    assert largest.bytes < 10e6 < 4 * 600 * 800 * 32 / 6  # of all logits of one image


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Two images of different sizes, larger than a tile."""
    paths = [tmp_path / "in" / name for name in ("a/x.png", "b/x.png")]
    for path, size in zip(paths, [(70, 150), (129, 65)], strict=True):
        path.parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)).save(path)
    return paths


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
def test_images_are_predicted_in_tiles_at_their_own_size(pictures, make_trainer, tmp_path) -> None:
    model, out = segmenter(num_classes=5).eval(), tmp_path / "out"
    data = CamVidDataModule("absent", (32, 48), 4, tile=64, predict_path=str(tmp_path / "in"), num_workers=2)
    batches = make_trainer(callbacks=[MaskWriter(str(out))]).predict(model, data)
    for path, (mask,) in zip(pictures, batches, strict=True):
        with Image.open(path) as image:
            pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        with torch.no_grad():
            expected = tiled_ids(model, pixels, 64)
        assert torch.equal(mask, expected)
        assert np.array_equal(model.predict(path, tile=64), expected)
        assert torch.equal(torch.from_numpy(model.predict(path, tile=256)).long(), model(pixels[None])[0].argmax(dim=0))
        name = path.relative_to(tmp_path / "in")
        with Image.open(out / "masks" / name) as written, Image.open(out / "overlays" / name) as drawn:
            assert np.array_equal(np.array(written), expected)
            shown = np.array(drawn)[: pixels.shape[1], : pixels.shape[2]].astype(float)
        colors = torch.from_numpy(class_colors(model.class_names))[expected.long()]
        assert np.abs(shown - (pixels.permute(1, 2, 0) + colors.float()).numpy() / 2).max() <= 0.5
    assert np.array_equal(model.predict(pictures, tile=64)[1], batches[1][0])


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
def test_validation_frames_are_predicted_in_tiles_too(drawn_streets, make_trainer) -> None:
    data = CamVidDataModule(str(drawn_streets), (32, 48), tile=64)
    masks = [mask for batch in make_trainer().predict(UNetSegmenter(**SMALL), data) for mask in batch]
    assert {tuple(mask.shape) for mask in masks} == {(64, 96)}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CamVidDataModule("x", tile=63), "tile: expected at least 64 pixels, got 63."),
        (lambda: CamVidDataModule("x", tile=64.5), "tile: expected at least 64 pixels, got 64.5."),
        (
            lambda: segmenter(4).predict(np.zeros((80, 80, 3), np.uint8), tile=0),
            "tile: expected at least 64 pixels, got 0.",
        ),
        (lambda: BIWIDataModule("x", tile=512), WHOLE.format("points")),
        (lambda: PlanetDataModule("x", tile=512), WHOLE.format("tags")),
        (lambda: PointRegressor(num_points=1, **SMALL).predict([], tile=512), WHOLE.format("points")),
    ],
)
def test_tiles_that_cannot_be_are_refused(make, words) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        make()
