"""`label_name`: what it takes, and the one that fits if masks are named otherwise."""

import re
from pathlib import Path

import pytest
from mask_files import folder, square
from PIL import Image

from triptych import CamVidDataModule
from triptych.datasets.camvid import CamVid
from triptych.datasets.label_name import checked_label_name, fitting_label_name, mask_name
from triptych.errors import MissingDataError


@pytest.mark.parametrize(
    ("label_name", "got"),
    [
        ("{name}.png", "got {name} in '{name}.png'"),
        ("{stem}_{0}.png", "got {0} in "),
        ("{}.png", "got {} in "),
        ("{stem.x}.png", "got {stem.x} in "),
        ("{stem:>9}.png", "got {stem:>9} in "),
        ("{stem!r}.png", "got {stem!r} in "),
        ("mask.png", "got one name for all frames in 'mask.png'"),
        ("mask{suffix}", "got one name for all frames in "),
        ("{{stem}}.png", "got one name for all frames in "),
        ("{stem.png", "got '{stem.png' (expected '}' before end of string)"),
        ("stem}.png", "got 'stem}.png' (Single '}' encountered in format string)"),
        ("", "got one name for all frames in ''"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_when_the_data_are_described(label_name: str, got: str) -> None:
    text = re.escape(f"label_name takes {{stem}} and {{suffix}}, {got}")
    for build in (checked_label_name, lambda name: CamVidDataModule("anywhere", label_name=name)):
        with pytest.raises(ValueError, match=f"^{text}.*; write it like {re.escape('{stem}_P{suffix}')}\\.$"):
            build(label_name)


@pytest.mark.parametrize(
    ("label_name", "mask"),
    [
        ("{stem}_P{suffix}", "bonn/x.1_P.jpg"),
        ("{stem}.png", "bonn/x.1.png"),
        ("{stem:-.1}_P.png", "bonn/x_P.png"),
        ("{stem:-_sat}_P.png", "bonn/x.1_P.png"),
        ("{stem}/mask.png", "bonn/x.1/mask.png"),
        ("ids-{stem}{suffix}.png", "bonn/ids-x.1.jpg.png"),
    ],
)
def test_a_mask_lies_in_the_subfolder_of_its_frame(label_name: str, mask: str) -> None:
    assert mask_name("bonn/x.1.jpg", checked_label_name(label_name)) == mask


@pytest.mark.parametrize(
    "fits", ["{stem}.png", "{stem}_mask.png", "mask_{stem}.tif", "{stem}{suffix}.png", "{{{stem}}}.png"]
)
def test_the_name_that_fits_the_files_is_found(fits: str, tmp_path: Path) -> None:
    frames = [f"bonn/s{number}.{('jpg', 'png')[number % 2]}" for number in range(12)]
    for frame in frames:
        mask = tmp_path / mask_name(frame, fits)
        mask.parent.mkdir(exist_ok=True)
        mask.touch()
    assert fitting_label_name(frames, frames, tmp_path) == fits


def test_no_other_name_is_advised_if_it_finds_no_more_masks(tmp_path: Path) -> None:
    frames = ["a.png", "b.png", "c.png"]
    for mask in ("a_P.png", "b_P.png", "c_old.png"):
        (tmp_path / mask).touch()
    assert fitting_label_name(frames, ["c.png"], tmp_path) is None


def test_the_error_of_masks_that_are_named_otherwise_says_how(tmp_path: Path) -> None:
    masks = [Image.fromarray(square())] * 3
    frames = CamVid(folder(tmp_path, masks, ["a", "b"]), label_name="{stem}_L.png")
    text = (
        f"camvid: 3 of 3 frames have no mask; the first is {tmp_path}/images/f0.png "
        f'(expected {tmp_path}/labels/f0_L.png); set label_name: "{{stem}}_P.png".'
    )
    with pytest.raises(MissingDataError, match=f"^{re.escape(text)}$"):
        frames.check()
    CamVid(tmp_path, label_name="{stem}_P.png").check()


def test_an_ending_that_only_frames_have_is_found_and_masks_of_classes_go_before_others(tmp_path: Path) -> None:
    frames = [f"a_{number}_left8bit.png" for number in range(3)]
    for frame in frames:
        for kind in ("color.png", "instanceIds.png", "labelIds.png", "polygons.json"):
            (tmp_path / frame.replace("left8bit.png", f"fine_{kind}")).touch()
    assert fitting_label_name(frames, frames, tmp_path) == "{stem:-_left8bit}_fine_labelIds.png"


def test_a_number_is_no_ending(tmp_path: Path) -> None:
    (tmp_path / "img_mask_0.png").touch()
    assert fitting_label_name(["img_0.png"], ["img_0.png"], tmp_path) is None


def test_no_frame_of_one_folder_is_its_own_mask(tmp_path: Path) -> None:
    for file in (files := ["a.png", "a_m.png", "b.png", "b_m.png"]):
        (tmp_path / file).touch()
    assert fitting_label_name(files, files, tmp_path, in_one_folder=True) == "{stem}_m.png"
