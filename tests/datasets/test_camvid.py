"""CamVid's folder: what a frame gives, and the errors for a folder that is not in order."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from triptych.datasets.camvid import CamVid
from triptych.datasets.camvid_classes import OFFICIAL_NAMES, SEGNET_MERGE, SEGNET_NAMES
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import image_header


def first_pair(root: Path) -> tuple[Path, Path]:
    """The first frame and its mask."""
    frames = CamVid(root)
    return frames.image_dir / frames.names[0], frames.label_path(frames.names[0])


def test_a_frame_gives_its_pixels_its_ids_and_its_path(drawn_streets: Path) -> None:
    frames, (frame, mask) = CamVid(drawn_streets), first_pair(drawn_streets)
    record = frames[0]
    assert (len(frames), record["path"]) == (12, str(frame))
    assert (record["image"].shape, record["image"].dtype) == ((64, 96, 3), np.uint8)
    assert np.array_equal(record["image"], np.array(Image.open(frame)))
    assert np.array_equal(record["mask"], np.array(Image.open(mask)))
    assert (frames.class_names, frames.ignore_index) == (list(OFFICIAL_NAMES), 30)


def test_frames_come_sorted_or_as_named(drawn_streets: Path) -> None:
    names = CamVid(drawn_streets).names
    assert names == sorted(path.name for path in (drawn_streets / "images").iterdir())
    some = CamVid(drawn_streets, names[5:2:-1])
    assert [Path(some[index]["path"]).name for index in range(len(some))] == [names[5], names[4], names[3]]


def test_a_grey_mask_gives_the_ids_of_a_palette_mask(streets: Path) -> None:
    _, mask = first_pair(streets)
    ids = CamVid(streets)[0]["mask"]
    Image.fromarray(ids).save(mask)
    assert image_header(mask).mode == "L"
    assert np.array_equal(CamVid(streets)[0]["mask"], ids)


def test_eleven_classes_come_from_the_official_ones(drawn_streets: Path) -> None:
    full, merged = CamVid(drawn_streets), CamVid(drawn_streets, classes="11")
    assert (merged.class_names, merged.ignore_index) == (list(SEGNET_NAMES), 11)
    for name, group in {"Road": ("Road", "LaneMkgsDriv", "LaneMkgsNonDriv"), "Void": ("Void",)}.items():
        members = [OFFICIAL_NAMES.index(member) for member in group]
        assert np.array_equal(merged[0]["mask"] == SEGNET_NAMES.index(name), np.isin(full[0]["mask"], members))


@pytest.mark.parametrize(
    ("codes", "ignore_index"),
    [(["Void", "a"], 0), (["a", "b", "void"], 2), (["a", "VOID", "b"], 1), (["a", "Avoid"], 255)],
)
def test_void_is_found_by_its_name_and_is_255_where_there_is_none(
    streets: Path, codes: list[str], ignore_index: int
) -> None:
    (streets / "codes.txt").write_text("\n".join(codes))
    assert CamVid(streets).ignore_index == ignore_index


def test_other_folders_and_names_are_arguments(streets: Path) -> None:
    expected = CamVid(streets)[3]
    (streets / "images").rename(streets / "frames")
    (streets / "labels").rename(streets / "truth")
    for mask in (streets / "truth").iterdir():
        mask.rename(mask.with_name(f"ids-{mask.name.replace('_P.png', '.gif.png')}"))
    layout = {"image_dir": "frames", "label_dir": "truth", "label_name": "ids-{stem}.gif{suffix}"}
    frames = CamVid(streets, **layout)
    frames.check()
    assert np.array_equal(frames[3]["mask"], expected["mask"])
    assert np.array_equal(frames[3]["image"], expected["image"])


def test_check_passes_a_folder_in_order(drawn_streets: Path) -> None:
    CamVid(drawn_streets).check()


def test_absent_root_codes_and_image_folder_are_named(streets: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{streets / 'x'}: no such folder; expected images/, labels")):
        CamVid(streets / "x")
    text = f"{streets / 'x'}: no such folder; expected {{}} in it; {streets} has images, labels; set {{}}."
    with pytest.raises(MissingDataError, match=re.escape(text.format("images", "image_dir"))):
        CamVid(streets, image_dir="x")
    with pytest.raises(MissingDataError, match=re.escape(text.format("masks", "label_dir"))):
        CamVid(streets, label_dir="x").check()
    (streets / "codes.txt").unlink()
    codes = re.escape(f"{streets / 'codes.txt'}: no such file; expected one class name per line, in order of id.")
    with pytest.raises(MissingDataError, match=codes):
        CamVid(streets)


def test_a_root_one_folder_too_high_is_told_which_to_give(streets: Path) -> None:
    text = f"{streets.parent / 'codes.txt'}: no such file, but there is {streets / 'codes.txt'}; set root to {streets}."
    with pytest.raises(MissingDataError, match=re.escape(text)):
        CamVid(streets.parent)


def test_frames_without_a_mask_are_counted_and_the_first_is_named(streets: Path) -> None:
    frames = CamVid(streets)
    for name in frames.names[2:5]:
        frames.label_path(name).unlink()
    first, expected = frames.image_dir / frames.names[2], frames.label_path(frames.names[2])
    text = f"camvid: 3 of 12 frames have no mask; the first is {first} (expected {expected}); add the masks, or "
    text += f"move these frames out of {frames.image_dir}."
    with pytest.raises(MissingDataError, match=re.escape(text)):
        frames.check()


def test_a_mask_of_another_size_is_refused(streets: Path) -> None:
    _, mask = first_pair(streets)
    Image.fromarray(np.zeros((32, 48), np.uint8)).save(mask)
    text = f"{mask}: expected the size of its frame, 96x64, got 48x32 (width x height)."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        CamVid(streets).check()


def test_a_mask_of_colours_is_refused_by_check_and_on_reading(streets: Path) -> None:
    _, mask = first_pair(streets)
    Image.open(mask).convert("RGB").save(mask)
    text = f"{mask}: expected a mask of class ids, got colours, "
    with pytest.raises(BadSampleError, match=f"{re.escape(text)}.*; save the ids, as in the other 11 masks\\.$"):
        CamVid(streets).check()
    with pytest.raises(BadSampleError, match=f'{re.escape(text)}.*; save the ids, or set label_map: {{"#408040": Ani'):
        CamVid(streets)[0]


@pytest.mark.parametrize("classes", ["all", "11"])
def test_an_id_without_a_class_is_refused_with_its_file(streets: Path, classes: str) -> None:
    _, mask = first_pair(streets)
    ids = np.zeros((64, 96), np.uint8)
    ids[7, 9] = 32
    Image.fromarray(ids).save(mask)
    text = (
        f"{mask}: expected class ids 0 to 31 (codes.txt names 32 classes) or 255 for void, got id 32; it holds "
        "0 (100.0 %), 32 (< 0.1 %); correct the mask, add the class to codes.txt, or set label_map: "
        "{0: Animal, 1: Archway, "
    )
    with pytest.raises(
        BadSampleError, match=f"{re.escape(text)}.*, 31: Wall, 32: CLASS}} with the name of a class, or Void, for"
    ):
        CamVid(streets, classes=classes)[0]


def test_a_label_map_goes_before_the_merge_into_eleven(streets: Path) -> None:
    (streets / "codes.txt").write_text("\n".join(reversed(OFFICIAL_NAMES)))
    label_map = dict(enumerate(OFFICIAL_NAMES))
    expected = CamVid(streets, classes="11")
    mapped = CamVid(streets, classes="11", label_map=label_map)
    ids = np.array(Image.open(first_pair(streets)[1]))
    names = [name for name, members in SEGNET_MERGE.items() for member in members]
    members = [member for members in SEGNET_MERGE.values() for member in members]
    merged = dict(zip(members, names, strict=True)) | {"Void": "Void"}
    by_hand = [[SEGNET_NAMES.index(merged[OFFICIAL_NAMES[i]]) for i in row] for row in ids]
    assert mapped[0]["mask"].tolist() == by_hand
    assert expected[0]["mask"].tolist() != by_hand


@pytest.mark.parametrize("which", [0, 1], ids=["frame", "mask"])
def test_a_file_cut_off_is_refused_by_check_and_on_reading(streets: Path, which: int) -> None:
    path = first_pair(streets)[which]
    path.write_bytes(path.read_bytes()[:-100])
    text = re.escape(f"{path}: expected a whole PNG, but the file is cut off; copy it again.")
    with pytest.raises(BadSampleError, match=text):
        CamVid(streets).check()
    with pytest.raises(BadSampleError, match=text):
        CamVid(streets)[0]
