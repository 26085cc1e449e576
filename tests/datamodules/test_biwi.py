"""BIWI's data module: the split by person, points that move with their image, and the same samples every time."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from biwi_files import write_person
from command_line import QUIET
from PIL import Image
from torch.utils.data import DataLoader

from triptych import BIWIDataModule
from triptych.cli.app import Parser
from triptych.datamodules import base
from triptych.datamodules.biwi import leave_one_person_out
from triptych.datasets.biwi import ARCHIVE
from triptych.errors import BadSampleError, MissingDataError

SIZE = (30, 50)
PERSONS = ["01", "02", "13", "20"]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Four persons with three frames each; those of 13 are larger than the others."""
    rng = np.random.default_rng(0)
    for person in PERSONS:
        height, width = (96, 80) if person == "13" else (48, 64)
        points = [(x * width, y * height) for x, y in rng.uniform(0.02, 0.98, size=(3, 2)).tolist()]
        write_person(tmp_path / "data" / person, points, size=(height, width))
    return tmp_path / "data"


def module(root: Path, *stages: str, **arguments: Any) -> BIWIDataModule:
    """A data module after `setup` of each stage."""
    data = BIWIDataModule(str(root), **{"image_size": SIZE, "batch_size": 2, **arguments})
    for stage in stages:
        data.setup(stage)
    return data


def persons(loader: DataLoader) -> set[str]:
    return {Path(path).parent.name for batch in loader for path in batch["path"]}


def epochs(loader: DataLoader, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """All batches of the given epochs; Lightning calls `set_epoch` in this way."""
    batches = []
    for epoch in numbers:
        loader.sampler.set_epoch(epoch)
        batches += list(loader)
    return batches


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two runs gave the same bits in the same order."""
    return [batch["path"] for batch in one] == [batch["path"] for batch in other] and all(
        torch.equal(left[key], right[key])
        for left, right in zip(one, other, strict=True)
        for key in ("image", "point", "size", "only_resized")
    )


@pytest.mark.parametrize(
    ("arguments", "train", "valid"),
    [
        ({}, {"01", "02", "20"}, {"13"}),
        ({"valid_person": "02"}, {"01", "13", "20"}, {"02"}),
        ({"valid_person": ["20", "01"]}, {"02", "13"}, {"01", "20"}),
        ({"train_persons": ["20"]}, {"20"}, {"13"}),
        ({"valid_person": ["01", "02"], "train_persons": ["13"]}, {"13"}, {"01", "02"}),
    ],
)
def test_persons_are_held_out_whole(people: Path, arguments: dict[str, Any], train: set, valid: set) -> None:
    data = module(people, "fit", "test", "predict", **arguments)
    assert persons(data.train_dataloader()) == train
    for loader in (data.val_dataloader(), data.test_dataloader(), data.predict_dataloader()):
        assert persons(loader) == valid
        assert sum(len(batch["path"]) for batch in loader) == 3 * len(valid)


def test_leave_one_person_out_names_every_fold_once(people: Path) -> None:
    folds = leave_one_person_out(people)
    assert folds == [{"root": str(people), "valid_person": person} for person in PERSONS]
    for fold, person in zip(folds, PERSONS, strict=True):
        data = BIWIDataModule(**fold, image_size=SIZE)
        data.setup("fit")
        assert persons(data.val_dataloader()) == {person}
        assert persons(data.train_dataloader()) == {*PERSONS} - {person}


def test_a_person_named_twice_counts_once(people: Path) -> None:
    data = module(people, "fit", valid_person=["13", "13"], train_persons=["01", "01"])
    assert (len(data.records["val"]), len(data.records["train"])) == (3, 3)


@pytest.mark.parametrize(
    ("written", "held_out"),
    [("13", ["13"]), ("2", ["02"]), ("02", ["02"]), ("[13, '01']", ["13", "01"]), ("[2, '02', 20]", ["02", "20"])],
)
@pytest.mark.parametrize("place", ["yaml", "argument"])
@QUIET
def test_a_person_may_be_written_without_quotes_or_by_number(
    people: Path, written: str, held_out: list[str], place: str
) -> None:
    parser = Parser()
    parser.add_lightning_class_args(BIWIDataModule, "data")
    if place == "yaml":
        config = parser.parse_string(f"data:\n  root: {people}\n  valid_person: {written}\n")
    else:
        config = parser.parse_args(["--data.root", str(people), "--data.valid_person", written])
    data = BIWIDataModule(**vars(config.data))
    data.setup("fit")
    assert data.valid_persons == held_out
    assert set(data.train_persons) == {*PERSONS} - {*held_out}


def test_persons_to_train_on_may_be_written_as_numbers(people: Path) -> None:
    data = module(people, "fit", train_persons=[1, "20"])
    assert persons(data.train_dataloader()) == {"01", "20"}


def test_a_name_goes_before_a_number_and_a_number_of_two_folders_is_refused(people: Path) -> None:
    (people / "02").rename(people / "002")
    (people / "20").rename(people / "2")
    assert module(people, "validate", valid_person="2").valid_persons == ["2"]
    (people / "2").rename(people / "02")
    text = "valid_person: expected one folder, but 2 matches 002, 02; write one in quotes."
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        module(people, "validate", valid_person=2)


def test_a_person_in_both_splits_is_refused(people: Path) -> None:
    text = "biwi: person '02' is in train_persons and in valid_person; remove it from one."
    with pytest.raises(ValueError, match=re.escape(text)):
        module(people, "fit", valid_person=["13", "02"], train_persons=["01", "02"])


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"valid_person": "14"}, "valid_person: {} has no '14'"),
        ({"valid_person": ["99", "13", "03"]}, "valid_person: {} has no '99', '03'"),
        ({"valid_person": 14}, "valid_person: {} has no '14'"),
        ({"train_persons": ["01", "3"]}, "train_persons: {} has no '3'"),
    ],
)
def test_unknown_persons_are_reported_with_their_argument_and_those_there_are(
    people: Path, arguments: dict[str, Any], message: str, stage: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{message.format(people)}; there are 01, 02, 13, 20.")):
        module(people, stage, **arguments)


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
@pytest.mark.parametrize("nobody", [[], None])
def test_nobody_held_out_is_refused(people: Path, stage: str, nobody: list[str] | None) -> None:
    text = f"valid_person: expected at least one of the persons in {people}, got none; there are 01, 02, 13, 20."
    with pytest.raises(ValueError, match=re.escape(text)):
        module(people, stage, valid_person=nobody)


@pytest.mark.parametrize("arguments", [{"valid_person": PERSONS}, {"train_persons": []}])
def test_nobody_left_to_train_on_stops_fitting_only(people: Path, arguments: dict[str, Any]) -> None:
    data = module(people, "validate", "test", "predict", **arguments)
    text = f"biwi: no person is left to train on in {people}; valid_person holds out {', '.join(data.valid_persons)}."
    with pytest.raises(ValueError, match=re.escape(text)):
        data.setup("fit")


@pytest.mark.filterwarnings("ignore:biwi. 3 of 3 centres lie outside:UserWarning")  # which is what this is about
def test_a_person_whose_centres_are_all_dropped_is_named(people: Path) -> None:
    for pose in (people / "13").glob("*_pose.txt"):
        pose.write_text("1 0 0\n0 1 0\n0 0 1\n\n9000 0 900\n")
    text = f"biwi: no frames for 'val' in {people}; its persons are ['13']."
    with pytest.raises(ValueError, match=re.escape(text)):
        module(people, "validate")


def test_an_absent_root_and_a_root_without_persons_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'x'}: no such folder; expected a folder for")):
        module(tmp_path / "x", "fit")
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path}: expected a folder for each person (01, 02, .")):
        module(tmp_path, "fit")


def test_download_fetches_the_courses_copy_only_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple] = []
    monkeypatch.setattr(base, "fetch", lambda *args: fetched.append(args))
    module(tmp_path / "x").prepare_data()
    assert fetched == []
    module(tmp_path / "x", download=True).prepare_data()
    assert fetched == [(ARCHIVE, tmp_path / "x")]
    assert (ARCHIVE.size, ARCHIVE.md5_head) == (452_316_199, "00f4ccf66e8cba184bc292fdc08fb237")


def test_a_validation_point_is_twice_its_fraction_of_the_image_minus_one(people: Path) -> None:
    data = module(people, "validate", image_size=(31, 45))
    batches = list(data.val_dataloader())
    points = torch.cat([batch["point"] for batch in batches])
    assert (points.dtype, points.shape) == (torch.float32, (3, 1, 2))
    x, y = np.array(data.records["val"].points_px).T
    np.testing.assert_allclose(points[:, 0], np.stack([2 * y / 96 - 1, 2 * x / 80 - 1], axis=1), atol=1e-6)
    for batch in batches:
        assert (batch["image"].dtype, batch["image"].shape[1:]) == (torch.uint8, (3, 31, 45))
        assert batch["size"].tolist() == [[96, 80]] * len(batch["path"])
        assert not batch["only_resized"].any()


def test_a_run_is_the_same_for_any_number_of_workers_and_after_a_resume(people: Path) -> None:
    alone, helped, resumed = (module(people, "fit", num_workers=workers).train_dataloader() for workers in (0, 2, 0))
    run = epochs(alone, [0, 1])
    assert same(run, epochs(helped, [0, 1]))
    assert same(run[len(run) // 2 :], epochs(resumed, [1]))


def test_only_training_is_augmented_and_only_if_asked(people: Path) -> None:
    data, plain = module(people, "fit"), module(people, "fit", augment=False)
    assert same(epochs(data.val_dataloader(), [0]), epochs(data.val_dataloader(), [3]))
    points = {}
    for name, source, epoch in (("first", data, 0), ("second", data, 1), ("plain", plain, 0)):
        batches = epochs(source.train_dataloader(), [epoch])
        points[name] = {p: xy for batch in batches for p, xy in zip(batch["path"], batch["point"], strict=True)}
    for path, expected in zip(plain.records["train"].paths, plain.records["train"].points_px, strict=True):
        y, x = points["plain"][str(path)][0].tolist()
        assert (x, y) == pytest.approx((2 * expected[0] / 64 - 1, 2 * expected[1] / 48 - 1), abs=1e-6)
        drawn = [points[name][str(path)] for name in ("first", "second", "plain")]
        assert not torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_jpeg_cut_off_is_named_when_it_is_read(people: Path, workers: int) -> None:
    path = people / "13" / "frame_00004_rgb.png"
    with Image.open(path) as image:
        image.save(path.with_suffix(".jpg"))
    path.unlink()
    path = path.with_suffix(".jpg")
    path.write_bytes(path.read_bytes()[:-30])
    data = module(people, "validate", num_workers=workers)
    text = f"{path}: expected an image, but it cannot be decoded; replace the file."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        list(data.val_dataloader())


def test_predict_path_needs_no_data_set(people: Path) -> None:
    data = module(people / "absent", "predict", predict_path=str(people / "13"))
    (first, second) = data.predict_dataloader()
    assert sorted(first) == ["image", "path", "size"]
    assert [len(first["path"]), len(second["path"])] == [2, 1]


def test_metadata_name_one_point(people: Path) -> None:
    assert module(people).metadata == {"num_points": 1}
