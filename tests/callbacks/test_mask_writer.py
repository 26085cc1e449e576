"""`MaskWriter` writes atomically."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from triptych.callbacks import MaskWriter

MODULE = SimpleNamespace(class_names=["Sky", "Road"])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "x.png"
    Image.fromarray(np.zeros((8, 10, 3), np.uint8)).save(path)
    return path


def write(writer: MaskWriter, picture: Path, class_id: int) -> None:
    mask = torch.full((8, 10), class_id, dtype=torch.uint8)
    trainer: Any = SimpleNamespace()
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


def test_second_prediction_of_a_picture_replaces_the_first(picture: Path, tmp_path: Path) -> None:
    writer = MaskWriter(str(tmp_path / "out"))
    write(writer, picture, 0)
    write(writer, picture, 1)
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["x.png"]
    with Image.open(tmp_path / "out" / "masks" / "x.png") as mask:
        assert np.array(mask).min() == 1
