"""`MaskWriter` writes atomically, in full size what is predicted, and smaller what a huge image is drawn on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from triptych.callbacks import MaskWriter, prediction_writer
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.pictures import Pictures

MODULE = SimpleNamespace(class_names=["Sky", "Road"])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "x.png"
    Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(path)
    return path


def write(writer: MaskWriter, picture: Path, class_id: int) -> None:
    mask = torch.full((8, 10), class_id, dtype=torch.uint8)
    trainer: Any = SimpleNamespace(world_size=1)
    module: Any = MODULE
    writer.on_predict_start(trainer, module)
    writer.write_on_batch_end(trainer, module, [mask], None, {"path": [str(picture)]}, 0, 0)


def test_failed_save_leaves_nothing_half_written(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MaskWriter(str(tmp_path / "out"))
    write(writer, picture, 0)

    def full_disk(self: Image.Image, path: Path, **_: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full_disk)
        with pytest.raises(OSError, match="No space left on device"):
            write(writer, picture, 1)
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {"x.png"}
    with Image.open(tmp_path / "out" / "masks" / "x.png") as kept:
        assert np.array(kept).max() == 0


def test_what_was_predicted_before_is_not_predicted(picture: Path, tmp_path: Path) -> None:
    writer = MaskWriter(str(tmp_path / "out"))
    write(writer, picture, 0)
    module: Any = MODULE
    trainer: Any = SimpleNamespace(world_size=1)
    trainer.predict_dataloaders = SimpleNamespace(dataset=SimpleNamespace(records=Pictures(tmp_path)))
    message = f"expected a folder outside of the images to predict, got {tmp_path / 'out'}; 2 of them lie where"
    with pytest.raises(ValueError, match=message):
        writer.on_predict_start(trainer, module)
    MaskWriter(str(tmp_path / "other")).on_predict_start(trainer, module)


def test_second_prediction_of_a_picture_replaces_the_first(picture: Path, tmp_path: Path) -> None:
    writer = MaskWriter(str(tmp_path / "out"))
    write(writer, picture, 0)
    write(writer, picture, 1)
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["x.png"]
    with Image.open(tmp_path / "out" / "masks" / "x.png") as mask:
        assert np.array(mask).min() == 1


@pytest.mark.parametrize(("height", "width", "step"), [(40, 60, 1), (41, 60, 2), (121, 79, 4), (200, 101, 5)])
def test_what_is_predicted_has_the_size_of_the_file_and_a_huge_image_is_drawn_at_a_fraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, height: int, width: int, step: int
) -> None:
    monkeypatch.setattr(prediction_writer, "MAX_DRAWN_PIXELS", 2400)
    monkeypatch.setattr(prediction_writer, "REDUCED_PIXELS", 900)
    told: list[str] = []
    monkeypatch.setattr(prediction_writer, "rank_zero_info", told.append)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / "x.png")
    ids = torch.zeros(height, width, dtype=torch.uint8)
    ids[:, width // 2 :] = 1
    writer, trainer = MaskWriter(str(tmp_path / "out")), SimpleNamespace(world_size=1)
    batch = {"path": [str(tmp_path / "x.png")]}
    writer.on_predict_start(trainer, MODULE)
    for _ in range(2):
        writer.write(MODULE, batch, [ids])
    with Image.open(tmp_path / "out" / "masks" / "x.png") as mask:
        assert np.array_equal(np.array(mask), ids)
    with Image.open(tmp_path / "out" / "overlays" / "x.png") as overlay:
        drawn = np.array(overlay)
    row = drawn[height // step // 2]
    assert (row[: width // step].max(axis=1) > 0).all() and (row[width // step] == 255).all()
    for column, color in zip((0, width // step - 1), class_colors(MODULE.class_names), strict=True):
        np.testing.assert_array_equal(row[column], np.rint(color / 2))
    sizes = f"its {width}x{height} pixels are drawn as {width // step}x{height // step}"
    words = (
        f"{tmp_path}/x.png: {sizes}, as all images above 0 megapixels are reduced; masks and tables are in full size."
    )
    assert told == ([] if step == 1 else [words])


class Counted(list[torch.Tensor]):
    """Counts how often a mask is asked for, which computes it."""

    asked = 0

    def __getitem__(self, index: Any) -> Any:
        self.asked += 1
        return super().__getitem__(index)


def test_a_mask_is_computed_once(picture: Path, tmp_path: Path) -> None:
    writer, masks = MaskWriter(str(tmp_path / "out")), Counted([torch.zeros(8, 10, dtype=torch.uint8)])
    writer.on_predict_start(SimpleNamespace(world_size=1), MODULE)  # type: ignore[arg-type]
    writer.write(MODULE, {"path": [str(picture)]}, masks)  # type: ignore[typeddict-item]
    assert masks.asked == 1
