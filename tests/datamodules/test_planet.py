"""Planet's data module: the seeded split or the one by list, and the metadata."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from triptych import PlanetDataModule
from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.errors import BadSampleError, MissingDataError

SIZE = (24, 32)
DRAWN = {
    0: ["train_2", "train_4", "train_10", "train_11", "train_21", "train_26"],
    1: ["train_1", "train_3", "train_7", "train_16", "train_21", "train_28"],
}
"""The validation tiles of 30 by seed, on every machine."""


def module(root: Path, *stages: str, **arguments: Any) -> PlanetDataModule:
    """A data module after `setup` of each stage."""
    data = PlanetDataModule(str(root), **{"image_size": SIZE, "batch_size": 4, **arguments})
    for stage in stages:
        data.setup(stage)
    return data


def names(loader: DataLoader) -> list[str]:
    """Names of the tiles in the order in which one epoch gives them."""
    return [Path(path).stem for batch in loader for path in batch["path"]]


@pytest.mark.parametrize("seed", DRAWN)
def test_a_fifth_is_drawn_for_validation_the_same_on_every_machine(drawn_tiles: Path, seed: int) -> None:
    data = module(drawn_tiles, "fit", seed=seed)
    train, valid = names(data.train_dataloader()), names(data.val_dataloader())
    assert valid == DRAWN[seed]
    assert sorted(train + valid) == sorted(f"train_{number}" for number in range(30))


def test_the_split_is_that_of_the_seed_whatever_else_is_asked_for(drawn_tiles: Path) -> None:
    other = {"batch_size": 7, "augment": False, "image_size": (16, 16), "tags": "table"}
    data = module(drawn_tiles, "test", "predict", **other)
    assert names(data.test_dataloader()) == names(data.predict_dataloader()) == DRAWN[0]


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 3), (0.5, 15), (0.95, 28), (0.01, 1), (0.99, 29)])
def test_the_fraction_is_an_argument(drawn_tiles: Path, fraction: float, count: int) -> None:
    data = module(drawn_tiles, "fit", valid_fraction=fraction)
    assert (len(names(data.val_dataloader())), len(names(data.train_dataloader()))) == (count, 30 - count)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 20])
def test_a_fraction_that_leaves_nothing_is_refused(fraction: float) -> None:
    text = f"valid_fraction: expected a fraction between 0 and 1, got {fraction}."
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        PlanetDataModule("x", valid_fraction=fraction)


def test_a_list_names_the_validation_tiles_with_or_without_their_suffix(tiles: Path) -> None:
    (tiles / "valid.txt").write_text("train_7\ntrain_3.jpg\n\n train_12 \n")
    data = module(tiles, "fit", "test", valid_list="valid.txt")
    valid = names(data.val_dataloader())
    assert valid == names(data.test_dataloader()) == ["train_3", "train_7", "train_12"]
    assert sorted(names(data.train_dataloader()) + valid) == sorted(f"train_{number}" for number in range(30))


def test_an_unknown_name_in_the_list_is_reported(tiles: Path) -> None:
    (tiles / "valid.txt").write_text("train_7\nghost.jpg\ntrain_99\n")
    text = f"{tiles / 'valid.txt'}: 2 of 3 lines name no tile; the first is 'ghost.jpg' in line 2"
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        module(tiles, "fit", valid_list="valid.txt")
    with pytest.raises(
        MissingDataError, match=re.escape(f"{tiles / 'x.txt'}: no such file; expected one name per line")
    ):
        module(tiles, "fit", valid_list="x.txt")


def test_an_empty_part_stops_the_stage_that_needs_it(tiles: Path) -> None:
    (tiles / "valid.txt").write_text("")
    with pytest.raises(ValueError, match=r"^planet: \S+/valid\.txt names no tiles; expected one file name per line\.$"):
        module(tiles, "validate", valid_list="valid.txt")
    (tiles / "valid.txt").write_text("\n".join(f"train_{number}" for number in range(30)))
    assert len(names(module(tiles, "validate", valid_list="valid.txt").val_dataloader())) == 30
    with pytest.raises(
        ValueError, match=r"^planet: no tiles are left to train on: \S+/valid\.txt names all 30 of them"
    ):
        module(tiles, "fit", valid_list="valid.txt")


def test_a_tag_that_only_validation_has_is_a_column_of_both_parts(tmp_path: Path) -> None:
    (tmp_path / "train-jpg").mkdir()
    rows = {"a": "clear", "b": "clear haze", "c": "snow"}
    for name in rows:
        Image.new("RGB", (8, 8)).save(tmp_path / "train-jpg" / f"{name}.jpg")
    (tmp_path / "train_v2.csv").write_text("image_name,tags\n" + "".join(f"{n},{t}\n" for n, t in rows.items()))
    (tmp_path / "valid.txt").write_text("c")
    data = module(tmp_path, "fit", valid_list="valid.txt", tags="table", augment=False)
    assert (data.metadata["num_labels"], data.metadata["tags"]) == (3, ["clear", "haze", "snow"])
    (train,), (valid,) = data.train_dataloader(), data.val_dataloader()
    assert sorted(train["labels"].tolist()) == [[1, 0, 0], [1, 1, 0]]
    assert valid["labels"].tolist() == [[0, 0, 1]]


def test_tiles_without_tags_are_counted_in_one_line(tiles: Path, caplog: pytest.LogCaptureFixture) -> None:
    header, *rows = (tiles / "train_v2.csv").read_text().splitlines()
    (tiles / "train_v2.csv").write_text("\n".join([header, *rows[:-2], "train_28,", "train_29,"]))
    with caplog.at_level("INFO", "lightning.pytorch.utilities.rank_zero"):
        data = module(tiles, "fit", augment=False)
    text = "2 of 30 tiles are without tags, all their labels 0; the first is 'train_28' in line 30."
    assert f"{tiles / 'train_v2.csv'}: {text}" in caplog.messages
    batches = [*data.train_dataloader(), *data.val_dataloader()]
    assert sum(int((batch["labels"].sum(dim=1) == 0).sum()) for batch in batches) == 2
    with pytest.raises(BadSampleError, match="2 tiles have no tags; the first is 'train_28' in line 30; "):
        module(tiles, "fit", untagged="refuse")


def test_metadata_are_the_channels_and_the_tags_once_the_table_is_read(drawn_tiles: Path) -> None:
    data = module(drawn_tiles)
    assert data.metadata == {"in_channels": 3}
    with pytest.raises(RuntimeError, match=r"^PlanetDataModule: call setup\(\) first; the table has not been read yet"):
        _ = data.tiles
    data.setup("fit")
    assert data.metadata == {"in_channels": 3, "num_labels": 17, "tags": list(PLANET_TAGS)}


def test_a_batch_has_the_shapes_and_types_that_travel(drawn_tiles: Path) -> None:
    batch = next(iter(module(drawn_tiles, "fit").train_dataloader()))
    assert (batch["image"].shape, batch["image"].dtype) == ((4, 3, *SIZE), torch.uint8)
    assert (batch["labels"].shape, batch["labels"].dtype) == ((4, 17), torch.float32)
    assert batch["size"].tolist() == [[32, 32]] * 4


def test_augmentation_moves_pixels_and_leaves_labels(drawn_tiles: Path) -> None:
    moved, plain = (module(drawn_tiles, "fit", augment=augment) for augment in (True, False))
    for one, other in zip(moved.train_dataloader(), plain.train_dataloader(), strict=True):
        assert one["path"] == other["path"]
        assert torch.equal(one["labels"], other["labels"])
        assert not torch.equal(one["image"], other["image"])


def test_images_to_predict_need_neither_table_nor_labels(drawn_tiles: Path, tmp_path: Path) -> None:
    data = module(tmp_path / "absent", "predict", predict_path=str(drawn_tiles / "train-jpg"))
    assert len(names(data.predict_dataloader())) == 30
    assert "labels" not in next(iter(data.predict_dataloader()))
    assert data.metadata == {"in_channels": 3}


@pytest.fixture
def four_bands(tiles: Path) -> Path:
    """Tiles of four channels as TIFF beside those of three, the fourth like the first."""
    for path in (tiles / "train-jpg").iterdir():
        with Image.open(path) as tile:
            rgb = np.array(tile)
        Image.fromarray(np.dstack([rgb, rgb[..., :1]])).save(path.with_suffix(".tif"))
        path.unlink()
    return tiles


def test_a_fourth_band_is_augmented_with_the_others(four_bands: Path) -> None:
    data = module(four_bands, "fit", channels=4, suffix=".tif")
    assert data.metadata["in_channels"] == 4
    plain = module(four_bands, "fit", channels=4, suffix=".tif", augment=False)
    for one, other in zip(data.train_dataloader(), plain.train_dataloader(), strict=True):
        assert (one["image"].shape, one["image"].dtype) == ((4, 4, *SIZE), torch.uint8)
        assert torch.equal(one["image"][:, 3], one["image"][:, 0])
        assert not torch.equal(one["image"], other["image"])


def test_images_of_four_bands_are_predicted_with_all_of_them(four_bands: Path) -> None:
    data = module(four_bands / "absent", "predict", channels=4, predict_path=str(four_bands / "train-jpg"))
    assert next(iter(data.predict_dataloader()))["image"].shape == (4, 4, *SIZE)
    assert data.metadata == {"in_channels": 4}


@pytest.mark.parametrize("channels", [0, 1, 5])
def test_other_numbers_of_channels_are_refused(channels: int) -> None:
    text = f"channels: expected 3 (RGB) or 4 (RGB and one more), got {channels}."
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        PlanetDataModule("x", channels=channels)
