"""Photographs that are turned and files of more than 8 bits: training, prediction and writers see the same pixels."""

import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from biwi_files import Camera, pose_text
from PIL import Image
from tiff_files import tiff

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.callbacks import MaskWriter
from triptych.datamodules.samples import SampleDataset
from triptych.datasets import CamVid
from triptych.datasets.camvid_classes import class_colors
from triptych.draw.overlay import overlay
from triptych.errors import BadSampleError
from triptych.transforms import evaluation_pipeline

STORED = np.random.default_rng(0).integers(256, size=(24, 40, 3), dtype=np.uint8)
IDS = np.random.default_rng(1).integers(2, size=(24, 40), dtype=np.uint8)
DEEP = np.random.default_rng(2).integers(4096, size=(24, 40, 4)).astype(np.uint16)
CLOCKWISE = 6
"""The EXIF orientation of a photograph that is shown after a quarter turn clockwise."""


def photograph(path: Path, orientation: int = CLOCKWISE) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(STORED).save(path, exif=exif)


def camvid_folder(root: Path, masks: np.ndarray) -> Path:
    """Two photographs with masks."""
    for name in ("images", "labels"):
        (root / name).mkdir()
    for name in ("a", "b"):
        photograph(root / "images" / f"{name}.png")
        Image.fromarray(masks).save(root / "labels" / f"{name}_P.png")
    (root / "codes.txt").write_text("Sky\nRoad\n")
    (root / "valid.txt").write_text("b.png\n")
    return root


def test_a_photograph_trains_as_shown_with_a_mask_drawn_on_it(tmp_path: Path) -> None:
    shown_ids = np.rot90(IDS, -1)
    data = CamVidDataModule(str(camvid_folder(tmp_path, shown_ids)), (40, 24), batch_size=1)
    data.setup("fit")
    record = data.records["train"][0]
    assert np.array_equal(record["image"], np.rot90(STORED, -1))
    assert np.array_equal(record["mask"], shown_ids)


def test_a_photograph_trains_as_stored_with_a_mask_of_its_stored_pixels_and_a_warning_says_so(tmp_path: Path) -> None:
    data = CamVidDataModule(str(camvid_folder(tmp_path, IDS)), (24, 40), batch_size=1)
    with pytest.warns(UserWarning, match=r"/b\.png: its mask b_P\.png has the size of the image as stored, "):
        data.setup("fit")
    record = data.records["train"][0]
    assert np.array_equal(record["image"], STORED)
    assert np.array_equal(record["mask"], IDS)
    writer, names = MaskWriter(str(tmp_path / "out")), ["Sky", "Road"]
    trainer: Any = SimpleNamespace(datamodule=data, world_size=1)
    module: Any = SimpleNamespace(class_names=names)
    batch: Any = {"path": [record["path"]]}
    writer.on_predict_start(trainer, module)
    writer.write(module, batch, [torch.from_numpy(IDS)])
    with Image.open(tmp_path / "out" / "overlays" / "a.png") as drawn:
        assert np.array_equal(drawn, overlay(STORED, IDS, class_colors(names), names))


def test_a_mask_that_fits_neither_way_is_refused_with_the_orientation(tmp_path: Path) -> None:
    data = CamVidDataModule(str(camvid_folder(tmp_path, IDS[1:])), (24, 40))
    text = "_P.png: expected the size of its frame, 24x40 as shown (EXIF orientation 6; 40x24 as stored), got 40x23 ("
    with pytest.raises(BadSampleError, match="labels/b" + re.escape(text)):
        data.setup("fit")
    with pytest.raises(BadSampleError, match="labels/a" + re.escape(text)):
        CamVid(tmp_path)[0]


def test_a_point_is_outside_by_the_size_as_shown(tmp_path: Path) -> None:
    """The point (20, 35) lies in 24x40 pixels as shown, not in 40x24 as stored; (35, 20) the other way round."""
    camera = Camera(cx=12.0, cy=20.0)
    for person, (x, y) in {"01": (20, 35), "02": (35, 20), "13": (10, 10)}.items():
        (tmp_path / person).mkdir()
        (tmp_path / person / "rgb.cal").write_text(camera.text())
        (tmp_path / person / "frame_00000_pose.txt").write_text(pose_text(camera.centre_mm(x, y)))
        photograph(tmp_path / person / "frame_00000_rgb.png")
    data = BIWIDataModule(str(tmp_path), (40, 24), batch_size=1)
    with pytest.warns(UserWarning, match=r"1 of 2 centres .* is \S+/02/\S+ \(x 35\.0, y 20\.0, frame 24x40\)"):
        data.setup("fit")
    record = data.records["train"][0]
    assert record["image"].shape == (40, 24, 3)
    np.testing.assert_allclose(record["keypoints"], [[20, 35]])


def deep_camvid(root: Path) -> Path:
    """Two frames of 12 bits in files of 16."""
    camvid_folder(root, IDS)
    for path in (root / "images").iterdir():
        cv2.imwrite(str(path), DEEP[..., [2, 1, 0]])
    return root


def test_frames_of_12_bits_are_scaled_alike_in_training_and_prediction(tmp_path: Path) -> None:
    root = deep_camvid(tmp_path)
    data = CamVidDataModule(str(root), (24, 40), batch_size=1, scale=4095, predict_path=str(root / "images"))
    for stage in ("fit", "predict"):
        data.setup(stage)
    expected = np.rint(DEEP[..., :3] / 4095 * 255)
    for split in ("train", "val", "predict"):
        assert np.array_equal(data.records[split][0]["image"], expected)


def test_without_scale_a_warning_comes_at_setup_and_floats_are_refused_there(tmp_path: Path) -> None:
    root = deep_camvid(tmp_path)
    data = CamVidDataModule(str(root), (24, 40), batch_size=1)
    text = r"images/b\.png: 3 bands of 16 bits, here from \d+ to \d+; because `scale` is not set, 4095 becomes 255 here"
    with pytest.warns(UserWarning, match=text):
        data.setup("fit")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert data.records["train"][0]["image"].max() == 255
    for path in (root / "images").iterdir():
        path.write_bytes(tiff((DEEP[..., :3] / 4095).astype(np.float32)))
    with pytest.raises(BadSampleError, match=r"b\.png: 3 bands of 32-bit floats, .* without `scale`; set scale: 1\.0,"):
        CamVidDataModule(str(root), (24, 40)).setup("fit")


def test_tiles_of_four_deep_bands_are_scaled_to_two_ends(tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "tiles" / f"{name}.tif").write_bytes(tiff(DEEP.astype(np.int16) - 1000, extra=(0,)))
    (tmp_path / "train_v2.csv").write_text("image_name,tags\na,clear\nb,clear\nc,cloudy\n")
    layout: dict[str, Any] = {"folder": "tiles", "suffix": ".tif", "channels": 4, "scale": [-1000, 3095]}
    data = PlanetDataModule(str(tmp_path), (24, 40), 1, **layout, predict_path=str(tmp_path / "tiles"))
    for stage in ("fit", "predict"):
        data.setup(stage)
    for split in ("train", "val", "predict"):
        np.testing.assert_allclose(data.records[split][0]["image"], np.rint(DEEP / 4095 * 255), atol=1)


@pytest.mark.parametrize("scale", [0, [5, 1], [1.0]])
def test_a_scale_that_is_none_is_refused_by_name(tmp_path: Path, scale: Any) -> None:
    with pytest.raises(ValueError, match=r"^scale: expected the value that becomes 255, above 0, or the two that "):
        CamVidDataModule(str(tmp_path), scale=scale)


def test_records_of_ones_own_with_a_mask_of_another_size_are_refused_by_name() -> None:
    records: Any = [{"image": STORED, "mask": IDS.T, "path": "mine/a.png"}]
    text = "mine/a.png: expected a mask of the image's height and width, (24, 40), got (40, 24)."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        SampleDataset(records, evaluation_pipeline((24, 40)), seed=0)[0]
