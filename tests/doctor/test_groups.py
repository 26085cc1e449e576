"""Which drive, person or scene a sample is of, and validation samples that are chosen so that none is split."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from triptych import CamVidDataModule
from triptych.doctor.examine import read_inventory
from triptych.doctor.fix import whole_validation
from triptych.doctor.groups import guessed_groups, is_sequence, same_group
from triptych.doctor.inventory import Inventory
from triptych.doctor.sources import take_inventory

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "camvid"


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["0016E5_00390.png", "0006R0_f00930.png"], ["0016E5", "0006R0"]),
        (["drive00_f00015.png", "drive00_f00030.png", "drive01_f00015.png"], ["drive00", "drive00", "drive01"]),
        (["bonn/000001.png", "ulm/000001.png"], ["bonn", "ulm"]),
        (["train/a_1.png", "val/b_2.png"], ["a", "b"]),
        (["bonn_01_000019_leftImg8bit.png", "ulm_02_000020_leftImg8bit.png"], ["bonn_01", "ulm_02"]),
        (["01/frame_00003_rgb.png", "02/frame_00003_rgb.png"], ["01", "02"]),
    ],
)
def test_a_group_is_the_folder_or_the_name_before_the_number(names: list[str], groups: list[str]) -> None:
    assert guessed_groups(names) == dict(zip(names, groups, strict=True))


@pytest.mark.parametrize("names", [["train_1.jpg", "train_23.jpg"], ["00.png", "01.png"], ["cat.png", "dog.png"], []])
def test_without_several_groups_there_is_none(names: list[str]) -> None:
    assert guessed_groups(names) == {}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real frames are not here")
@pytest.mark.parametrize(("valid_list", "leaking"), [("valid.txt", 101), ("valid_drive.txt", 0)])
def test_each_leaking_frame_of_camvid_is_found(valid_list: str, leaking: int) -> None:
    files = [path for one in same_group(inventory(REAL, valid_list)) for path in one.files if one.level == "error"]
    listed = [f"images/{line}" for line in (REAL / valid_list).read_text().split()]
    assert len(files) == leaking
    assert sorted(files) == (sorted(listed) if leaking else [])


@pytest.mark.parametrize(
    ("names", "are_frames"),
    [
        (["0016E5_00390", "0016E5_00420", "0016E5_00450", "0016E5_00481"], True),
        (["01/frame_00003_rgb", "01/frame_00120_rgb"], True),
        (["street 3 f9", "street 3 f120"], True),
        (["bonn/000001", "bonn/000002"], True),
        (["Abyssinian_1", "Abyssinian_2", "Abyssinian_10"], False),
        (["2007_000032", "2007_000039", "2007_000063", "2007_000068", "2007_000121"], False),  # VOC: a year
        (["benign (1)", "benign (2)"], False),
    ],
)
def test_the_frames_of_a_video_are_told_from_numbered_images(names: list[str], are_frames: bool) -> None:
    assert is_sequence(f"{name}.png" for name in names) == are_frames


def test_images_named_by_their_class_are_warned_of_and_no_error(streets: Path) -> None:
    frames = sorted(path.name for path in (streets / "images").iterdir())
    for number, name in enumerate(frames):
        new = f"{'Abyssinian' if number % 2 else 'beagle'}_{number}"
        (streets / "images" / name).rename(streets / "images" / f"{new}.png")
        (streets / "labels" / f"{Path(name).stem}_P.png").rename(streets / "labels" / f"{new}_P.png")
    (streets / "valid.txt").write_text("beagle_0\nAbyssinian_1\nbeagle_2\n")
    (found,) = same_group(inventory(streets))
    assert (found.kind, found.level, len(found.files)) == ("maybe-same-group", "warning", 3)
    assert "named like others that are trained on" in found.message


def test_whole_drives_are_chosen_of_about_the_same_number(streets: Path) -> None:
    frames = sorted(path.name for path in (streets / "images").iterdir())
    (streets / "valid.txt").write_text("\n".join(frames[1::3]))
    data = inventory(streets)
    (found,) = same_group(data)
    chosen = whole_validation(data)
    drives = {name[:7] for name in chosen}
    assert len(found.files) == 4 and len(chosen) <= 4
    assert chosen == {name for name in frames if name[:7] in drives}
    (streets / "valid.txt").write_text("\n".join(chosen))
    assert not [*same_group(inventory(streets))]


def test_a_copy_of_a_training_frame_is_not_chosen(streets: Path) -> None:
    held_out = sorted((streets / "valid.txt").read_text().split())
    trained = next(path for path in sorted((streets / "images").iterdir()) if path.name not in held_out)
    shutil.copy(trained, streets / "images" / held_out[0])
    assert whole_validation(read_inventory(CamVidDataModule(str(streets)))) == {*held_out[1:]}


def test_an_expression_goes_before_the_guess(streets: Path) -> None:
    (streets / "valid.txt").write_text("\n".join(sorted(path.name for path in (streets / "images").iterdir())[::2]))
    assert [*same_group(inventory(streets))]
    assert not [*same_group(inventory(streets, group=".+"))]


def inventory(root: Path, valid_list: str = "valid.txt", **arguments: Any) -> Inventory[Any]:
    """A data set before an image is read."""
    return take_inventory(CamVidDataModule(str(root), valid_list=valid_list, **arguments))
