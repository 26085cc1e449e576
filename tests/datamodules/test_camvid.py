"""CamVid's data module: arguments, the split by lists of frames, and loaders that give the same run every time."""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from triptych import CamVidDataModule
from triptych.datasets.camvid import CamVid
from triptych.datasets.camvid_classes import OFFICIAL_NAMES, SEGNET_NAMES
from triptych.datasets.rare_classes import rare_classes
from triptych.errors import BadSampleError, MissingDataError

SIZE = (32, 48)


def module(root: Path, *stages: str, **arguments: Any) -> CamVidDataModule:
    """A data module after `setup` of each stage."""
    data = CamVidDataModule(str(root), **{"image_size": SIZE, "batch_size": 3, **arguments})
    for stage in stages:
        data.setup(stage)
    return data


def names(loader: DataLoader) -> list[str]:
    """File names in the order in which one epoch gives them."""
    return [Path(path).name for batch in loader for path in batch["path"]]


def listed(root: Path, name: str = "valid.txt") -> list[str]:
    return (root / name).read_text().split()


def epochs(loader: DataLoader, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """All batches of the given epochs; Lightning calls `set_epoch` in this way."""
    batches = []
    for epoch in numbers:
        loader.sampler.set_epoch(epoch)
        batches += list(loader)
    return batches


def images(run: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Each image of a run, by its path."""
    return {path: image for batch in run for path, image in zip(batch["path"], batch["image"], strict=True)}


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two runs gave the same bits in the same order."""
    return [batch["path"] for batch in one] == [batch["path"] for batch in other] and all(
        torch.equal(left[key], right[key])
        for left, right in zip(one, other, strict=True)
        for key in ("image", "mask", "size")
    )


def test_valid_list_validates_and_all_other_frames_train(drawn_streets: Path) -> None:
    data = module(drawn_streets, "fit")
    train, valid = names(data.train_dataloader()), names(data.val_dataloader())
    assert valid == listed(drawn_streets)
    assert sorted(train + valid) == sorted(path.name for path in (drawn_streets / "images").iterdir())
    assert not set(train) & set(valid)


def test_test_list_is_tested_and_held_out_of_training(streets: Path) -> None:
    train = names(module(streets, "fit").train_dataloader())
    (streets / "test.txt").write_text("\n".join(sorted(train)[:2]))
    data = module(streets, "fit", "test")
    assert names(data.test_dataloader()) == sorted(train)[:2]
    assert sorted(names(data.train_dataloader())) == sorted(train)[2:]
    assert names(data.val_dataloader()) == listed(streets)


def test_validation_frames_are_tested_and_predicted_where_nothing_else_is_named(drawn_streets: Path) -> None:
    data = module(drawn_streets, "test", "predict")
    assert names(data.test_dataloader()) == names(data.predict_dataloader()) == listed(drawn_streets)


def test_a_folder_of_ones_own_is_described_by_arguments(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir(), (tmp_path / "out").mkdir()
    (tmp_path / "codes.txt").write_text("cat\nbackground\nvoid\n")
    (tmp_path / "held_out.txt").write_text("pet2.jpg\n")
    for index in range(4):
        Image.new("RGB", (20, 30), (10 * index, 0, 0)).save(tmp_path / "in" / f"pet{index}.jpg")
        Image.new("L", (20, 30), (index + 2) % 3).save(tmp_path / "out" / f"pet{index}.png")
    layout = {"image_dir": "in", "label_dir": "out", "label_name": "{stem}.png", "valid_list": "held_out.txt"}
    data = module(tmp_path, "fit", **layout)
    assert names(data.val_dataloader()) == ["pet2.jpg"]
    assert sorted(names(data.train_dataloader())) == ["pet0.jpg", "pet1.jpg", "pet3.jpg"]
    (batch,) = data.val_dataloader()
    assert batch["size"].tolist() == [[30, 20]]
    assert batch["mask"].unique().tolist() == [1]
    assert data.metadata == {"num_classes": 3, "ignore_index": 2, "class_names": ["cat", "background", "void"]}


def test_metadata_follow_the_classes_asked_for(drawn_streets: Path) -> None:
    assert module(drawn_streets).metadata == {}
    full, merged = module(drawn_streets, "fit").metadata, module(drawn_streets, "fit", classes="11").metadata
    assert full == {"num_classes": 32, "ignore_index": 30, "class_names": list(OFFICIAL_NAMES)}
    assert merged == {"num_classes": 12, "ignore_index": 11, "class_names": list(SEGNET_NAMES)}


def test_predict_path_needs_no_data_set(drawn_streets: Path, tmp_path: Path) -> None:
    data = module(tmp_path / "absent", "predict", predict_path=str(drawn_streets / "images"))
    assert len(names(data.predict_dataloader())) == 12
    assert "mask" not in next(iter(data.predict_dataloader()))
    assert data.metadata == {}


def test_a_batch_has_the_shapes_and_types_that_travel(drawn_streets: Path) -> None:
    batch = next(iter(module(drawn_streets, "fit").train_dataloader()))
    assert (batch["image"].shape, batch["image"].dtype) == ((3, 3, *SIZE), torch.uint8)
    assert (batch["mask"].shape, batch["mask"].dtype) == ((3, *SIZE), torch.int64)
    assert batch["size"].tolist() == [[64, 96]] * 3
    assert all(Path(path).is_file() for path in batch["path"])


def test_a_run_is_the_same_for_any_number_of_workers_and_after_a_resume(drawn_streets: Path) -> None:
    alone, helped, resumed = (
        module(drawn_streets, "fit", num_workers=workers).train_dataloader() for workers in (0, 2, 0)
    )
    run = epochs(alone, [0, 1])
    assert same(run, epochs(helped, [0, 1]))
    assert same(run[len(run) // 2 :], epochs(resumed, [1]))


def test_epochs_and_seeds_differ_in_order_and_in_pixels(drawn_streets: Path) -> None:
    loader = module(drawn_streets, "fit").train_dataloader()
    other_seed = module(drawn_streets, "fit", seed=1).train_dataloader()
    first = images(epochs(loader, [0]))
    other_runs = {"epoch": images(epochs(loader, [1])), "seed": images(epochs(other_seed, [0]))}
    for other, run in other_runs.items():
        assert list(run) != list(first), f"another {other} gave the same order"
        assert sum(torch.equal(run[path], image) for path, image in first.items()) <= 1, other


def test_only_training_is_augmented_and_only_if_asked(drawn_streets: Path) -> None:
    data, plain = module(drawn_streets, "fit", "test"), module(drawn_streets, "fit", augment=False)
    assert same(epochs(data.val_dataloader(), [0]), epochs(data.val_dataloader(), [3]))
    assert same(list(data.val_dataloader()), list(data.test_dataloader()))
    for path, image in images(list(plain.train_dataloader())).items():
        with Image.open(path) as file:
            expected = np.array(file).reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(image.permute(1, 2, 0), expected, atol=0.51)


@pytest.mark.parametrize("replicas", [2, 3])
def test_processes_share_validation_without_repeats_and_training_evenly(drawn_streets: Path, replicas: int) -> None:
    valid, train = [], []
    for rank in range(replicas):
        data = module(drawn_streets, "fit")
        data.trainer = SimpleNamespace(world_size=replicas, global_rank=rank)
        valid += names(data.val_dataloader())
        train.append(names(data.train_dataloader()))
    assert sorted(valid) == sorted(listed(drawn_streets))
    assert len({len(part) for part in train}) == 1
    assert set(chain(*train)) == set(names(module(drawn_streets, "fit").train_dataloader()))


def test_only_training_samples_come_in_image_size_where_another_size_validates(drawn_streets: Path) -> None:
    data = module(drawn_streets, "fit", "test", "predict", valid_size=[64, 96])
    evaluated = (data.val_dataloader, data.test_dataloader, data.predict_dataloader)
    assert next(iter(data.train_dataloader()))["image"].shape[2:] == SIZE
    assert {next(iter(loader()))["image"].shape[2:] for loader in evaluated} == {(64, 96)}
    data.image_size = (16, 24)
    assert next(iter(data.train_dataloader()))["mask"].shape[1:] == (16, 24)
    assert next(iter(data.val_dataloader()))["mask"].shape[1:] == (64, 96)


def test_validation_follows_an_image_size_changed_between_fits_where_it_has_none_of_its_own(
    drawn_streets: Path,
) -> None:
    data = module(drawn_streets, "fit")
    assert next(iter(data.val_dataloader()))["image"].shape[2:] == SIZE
    data.image_size = (16, 24)
    assert next(iter(data.val_dataloader()))["image"].shape[2:] == (16, 24)


def test_min_area_crops_the_training_frames(drawn_streets: Path) -> None:
    assert module(drawn_streets, "fit").train_pipeline().transforms[0].min_area == 1
    assert module(drawn_streets, "fit", min_area=0.3).train_pipeline().transforms[0].min_area == 0.3


@pytest.mark.parametrize("min_area", [0, -0.5, 1.01, float("nan")])
def test_min_area_must_be_a_fraction(min_area: float) -> None:
    text = f"min_area: expected a fraction above 0 and up to 1, got {min_area}."
    with pytest.raises(ValueError, match=re.escape(text)):
        CamVidDataModule("x", min_area=min_area)


def test_the_best_of_several_crops_is_that_of_the_rare_classes_of_the_training_masks(
    drawn_streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    masks_in_order = CamVid.masks_in_order

    def counted(self: CamVid) -> Any:
        read.extend(self.names)
        return masks_in_order(self)

    monkeypatch.setattr(CamVid, "masks_in_order", counted)
    assert module(drawn_streets, "fit").train_pipeline().transforms[0].crops == 1
    assert read == []
    data = module(drawn_streets, "fit", crops=3)
    for _ in range(2):
        geometry = data.train_pipeline().transforms[0]
    assert (geometry.crops, geometry.rare) == (3, rare_classes(data.class_counts()))
    assert read == data.records["train"].names, "the masks are counted once"
    assert len(geometry.rare) > 0


@pytest.mark.parametrize("crops", [0, -1, 1.0, True])
def test_crops_must_be_a_number(crops: Any) -> None:
    with pytest.raises(ValueError, match=rf"^crops: expected a whole number, at least 1, got {crops}\.$"):
        CamVidDataModule("x", crops=crops)


@pytest.mark.parametrize("classes", ["all", "11"])
def test_class_counts_are_the_labelled_pixels_of_the_training_masks_on_disk(drawn_streets: Path, classes: str) -> None:
    data = module(drawn_streets, "fit", classes=classes, image_size=(7, 9))
    void, train = data.metadata["ignore_index"], data.records["train"]
    masks = np.stack([train[index]["mask"] for index in range(len(train))])
    expected = [int((masks == i).sum()) * (i != void) for i in range(data.metadata["num_classes"])]
    counts = data.class_counts()
    assert counts == expected
    assert {type(count) for count in counts} == {int}
    assert counts[void] == 0 < (masks == void).sum()


def test_classes_are_counted_where_none_is_void(streets: Path) -> None:
    codes = (streets / "codes.txt").read_text()
    (streets / "codes.txt").write_text(codes.replace("Void", "Nothing"))
    counts = module(streets, "fit").class_counts()
    assert counts[30] > 0
    assert sum(counts) == 8 * 64 * 96


@pytest.mark.parametrize("name", ["image_size", "valid_size"])
@pytest.mark.parametrize("size", [(0, 32), (32,), (32, 32, 3), (32.0, 48), 32, "32", (-1, 5)])
def test_a_size_must_be_two_whole_numbers_above_zero(name: str, size: Any) -> None:
    text = f"{name}: expected (height, width), two whole numbers above 0, got {size!r}."
    with pytest.raises(ValueError, match=re.escape(text)):
        CamVidDataModule("x", **{name: size})


def test_image_size_cannot_be_none() -> None:
    with pytest.raises(ValueError, match=r"image_size: expected .* got None"):
        CamVidDataModule("x", image_size=None)


@pytest.mark.parametrize(("name", "value", "least"), [("batch_size", 0, 1), ("num_workers", -1, 0), ("seed", -3, 0)])
def test_numbers_below_their_least_are_refused(name: str, value: int, least: int) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: expected at least {least}(, or auto)?, got {value}\.$"):
        CamVidDataModule("x", **{name: value})


def test_loaders_and_frames_ask_for_setup_first(drawn_streets: Path) -> None:
    data = module(drawn_streets, "validate")
    with pytest.raises(RuntimeError, match=re.escape('CamVidDataModule: call setup() first; there are no "test" samp')):
        data.test_dataloader()
    with pytest.raises(RuntimeError, match=re.escape("CamVidDataModule: call setup() first; the folder has not been")):
        _ = module(drawn_streets).frames


def test_an_absent_root_or_list_is_named(streets: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{streets / 'x'}: no such folder; expected images/")):
        module(streets / "x", "fit")
    with pytest.raises(
        MissingDataError, match=re.escape(f"{streets / 'x.txt'}: no such file; expected one name per li")
    ):
        module(streets, "fit", valid_list="x.txt")


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_a_listed_frame_that_is_absent_is_named(streets: Path, stage: str) -> None:
    with (streets / "valid.txt").open("a") as file:
        file.write("ghost.png\n")
    text = f"{streets / 'valid.txt'}: 1 of 5 lines name no frame; the first is 'ghost.png' in line 5"
    with pytest.raises(BadSampleError, match=re.escape(text)):
        module(streets, stage)


def test_a_folder_without_images_is_not_taken_for_one_that_only_validates(streets: Path) -> None:
    (streets / "empty").mkdir()
    text = f"{streets / 'empty'}: expected images in it, found none."
    with pytest.raises(MissingDataError, match=re.escape(text)):
        module(streets, "fit", image_dir="empty")


def test_a_broken_training_mask_is_found_before_training_and_only_then(streets: Path) -> None:
    name = sorted(names(module(streets, "fit").train_dataloader()))[0]
    mask = streets / "labels" / name.replace(".png", "_P.png")
    mask.write_bytes(mask.read_bytes()[:-1])
    module(streets, "validate", "test", "predict")
    with pytest.raises(BadSampleError, match=re.escape(f"{mask}: expected a whole PNG, but the file is cut off")):
        module(streets, "fit")


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_an_empty_valid_list_is_refused(streets: Path, stage: str) -> None:
    (streets / "valid.txt").write_text("\n \n")
    text = f"camvid: {streets / 'valid.txt'} names no frames; expected one file name per line."
    with pytest.raises(ValueError, match=re.escape(text)):
        module(streets, stage)


def test_nothing_left_to_train_on_stops_fitting_only(streets: Path) -> None:
    frames = sorted(path.name for path in (streets / "images").iterdir())
    (streets / "valid.txt").write_text("\n".join(frames))
    data = module(streets, "validate", "test", "predict")
    for loader in (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader()):
        assert names(loader) == frames
    text = f"camvid: no frames are left to train on: {streets / 'valid.txt'} names all 12 of them; remove some"
    with pytest.raises(ValueError, match=re.escape(text)):
        data.setup("fit")


def test_the_test_list_is_named_too_where_it_takes_the_last_training_frames(streets: Path) -> None:
    rest = names(module(streets, "fit").train_dataloader())
    (streets / "test.txt").write_text("\n".join(rest))
    text = f"{streets / 'valid.txt'} and test.txt name all 12 of them; remove some"
    with pytest.raises(ValueError, match=re.escape(text)):
        module(streets, "fit")
