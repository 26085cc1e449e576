"""Faults of frames, masks and their lists: each is found once, and named with its files."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from examined import faults, only
from PIL import Image

from triptych import CamVidDataModule
from triptych.datasets.camvid_classes import OFFICIAL_COLORS, OFFICIAL_NAMES

USUAL = ("classes-untrained",)
"""In a dozen small frames some classes occur in the validation frames alone."""


def camvid(root: Path, **arguments: Any) -> CamVidDataModule:
    return CamVidDataModule(str(root), **arguments)


def frame(root: Path, position: int = 0) -> str:
    return sorted(path.name for path in (root / "images").iterdir())[position]


def mask(root: Path, position: int = 0) -> Path:
    return root / "labels" / frame(root, position).replace(".png", "_P.png")


def write_ids(path: Path, ids: Any) -> None:
    Image.fromarray(np.asarray(ids, dtype=np.uint8)).save(path)


def drop_mask(root: Path) -> str:
    mask(root).unlink()
    return f"images/{frame(root)}"


def cut_frame(root: Path) -> str:
    path = root / "images" / frame(root)
    path.write_bytes(path.read_bytes()[:-40])
    return f"images/{frame(root)}"


def cut_mask(root: Path) -> str:
    mask(root).write_bytes(mask(root).read_bytes()[:-40])
    return f"labels/{mask(root).name}"


def shrink_mask(root: Path) -> str:
    write_ids(mask(root), np.asarray(Image.open(mask(root)))[1:])
    return f"labels/{mask(root).name}"


def turn_frame(root: Path, orientation: int = 3) -> str:
    path = root / "images" / frame(root)
    exif = Image.Exif()
    exif[274] = orientation
    Image.open(path).save(path, exif=exif)
    return f"labels/{mask(root).name}"


def turn_by_a_quarter(root: Path) -> str:
    return turn_frame(root, 6)


def deepen_frame(root: Path) -> str:
    path = root / "images" / frame(root)
    cv2.imwrite(str(path), np.asarray(Image.open(path)).astype(np.uint16) * 16)
    return f"images/{path.name}"


def add_mask(root: Path) -> str:
    shutil.copy(mask(root), root / "labels" / "other_P.png")
    return "labels/other_P.png"


def add_id(root: Path) -> str:
    ids = np.array(Image.open(mask(root)))
    ids[:6, :8] = 77
    write_ids(mask(root), ids)
    return f"labels/{mask(root).name}"


def color_mask(root: Path) -> str:
    Image.open(mask(root)).convert("RGB").save(mask(root))
    return f"labels/{mask(root).name}"


def exchange_colors(root: Path) -> str:
    image = Image.open(mask(root))
    palette = np.array(image.getpalette()).reshape(-1, 3)
    present = np.unique(image)
    palette[present[:2]] = palette[present[1::-1]]
    image.putpalette(palette.ravel().tolist())
    image.save(mask(root))
    return f"labels/{mask(root).name}"


def flatten_masks(root: Path) -> str:
    """One mask in 1 bit, and the others of 0 and 255."""
    for position in range(12):
        picture = Image.open(mask(root, position)).convert("L")
        picture.point(lambda grey: 255 * (grey > 90)).convert("L" if position else "1").save(mask(root, position))
    (root / "codes.txt").write_text("background\nlesion\nscar\n")
    return f"labels/{mask(root).name}"


def blank_mask(root: Path) -> str:
    write_ids(mask(root), np.full((64, 96), OFFICIAL_NAMES.index("Void")))
    return f"labels/{mask(root).name}"


def blank_line(root: Path) -> str:
    codes = root / "codes.txt"
    codes.write_text(codes.read_text().replace("Car\n", "\nCar\n"))
    return "codes.txt"


def repeat_frame(root: Path) -> str:
    held_out = (root / "valid.txt").read_text().split()
    trained = next(path.name for path in sorted((root / "images").iterdir()) if path.name not in held_out)
    shutil.copy(root / "images" / trained, root / "images" / held_out[0])
    return f"images/{held_out[0]}"


def compress_frame(root: Path) -> str:
    path = root / repeat_frame(root)
    smaller = Image.open(path).resize((88, 60)).resize((96, 64))
    smaller.save(path.with_suffix(".jpg"), quality=60)
    Image.open(path.with_suffix(".jpg")).save(path)
    path.with_suffix(".jpg").unlink()
    return f"images/{path.name}"


def move_to_training(root: Path) -> str:
    held_out = (root / "valid.txt").read_text().split()
    (root / "valid.txt").write_text("\n".join(held_out[1:]))
    return f"images/{held_out[1]}"


FAULTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "no-mask": ("error", drop_mask),
    "unreadable": ("error", cut_frame),
    "mask-size": ("error", shrink_mask),
    "mask-turn": ("warning", turn_frame),
    "mask-as-stored": ("warning", turn_by_a_quarter),
    "depth": ("warning", deepen_frame),
    "unused": ("warning", add_mask),
    "ids-outside": ("error", add_id),
    "colours-outside": ("error", color_mask),
    "palettes": ("error", exchange_colors),
    "mask-depths": ("error", flatten_masks),
    "void-masks": ("warning", blank_mask),
    "codes": ("error", blank_line),
    "duplicates-across": ("error", repeat_frame),
    "near-duplicates-across": ("warning", compress_frame),
    "same-group": ("error", move_to_training),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_once_and_named_with_its_file(streets: Path, kind: str) -> None:
    level, damage = FAULTS[kind]
    path = damage(streets)
    found = only(camvid(streets), *USUAL)
    assert (found.kind, found.level) == (kind, level)
    assert path in found.files
    assert "\n" not in found.message + found.advice


def test_a_healthy_set_has_notes_and_no_error(streets: Path) -> None:
    assert {*faults(camvid(streets))} <= {*USUAL}


def test_all_faults_are_found_at_once(streets: Path) -> None:
    kinds = ["unused", "same-group", "codes", "no-mask"]
    for kind in kinds:
        FAULTS[kind][1](streets)
    assert {*faults(camvid(streets))} == {*kinds}


def test_an_id_without_a_class_is_given_with_its_pixels(streets: Path) -> None:
    add_id(streets)
    found = only(camvid(streets), *USUAL)
    assert f"77 ({100 * 48 / (12 * 64 * 96):.1f} %)" in found.message
    assert found.files[f"labels/{mask(streets).name}"] == f"77 ({100 * 48 / (64 * 96):.1f} %)"


def test_a_label_map_that_fits_colours_is_printed(streets: Path) -> None:
    for position in range(12):
        Image.open(mask(streets, position)).convert("RGB").save(mask(streets, position))
    found = only(camvid(streets), *USUAL)
    road = bytes(OFFICIAL_COLORS["Road"]).hex()
    assert found.kind == "colours-outside" and len(found.files) == 12
    assert f'"#{road}": Road' in found.advice


def test_masks_of_0_and_255_are_two_classes_and_not_void(streets: Path) -> None:
    (streets / "codes.txt").write_text("background\nlesion\n")
    for position in range(12):
        write_ids(mask(streets, position), np.where(np.asarray(Image.open(mask(streets, position))) > 16, 255, 0))
    found = only(camvid(streets), *USUAL)
    assert found.kind == "ids-outside" and "label_map: {0: background, 255: lesion}" in found.advice
    assert faults(camvid(streets, label_map={0: "background", 255: "lesion"})) == {}


def test_jpeg_masks_are_one_fault(streets: Path) -> None:
    for position in range(12):
        Image.open(mask(streets, position)).convert("L").save(mask(streets, position).with_suffix(".jpg"))
        mask(streets, position).unlink()
    found = only(camvid(streets, label_name="{stem}_P.jpg"), *USUAL)
    assert found.kind == "changed-masks" and len(found.files) == 12


def test_a_split_without_a_label_is_an_error(streets: Path) -> None:
    for name in (streets / "valid.txt").read_text().split():
        path = streets / "labels" / name.replace(".png", "_P.png")
        write_ids(path, np.full((64, 96), 255))
    found = only(camvid(streets), *USUAL)
    assert (found.level, found.kind) == ("error", "void-split") and "val" in found.message


def test_a_list_that_names_no_frame_is_found(streets: Path) -> None:
    with (streets / "valid.txt").open("a") as lines:
        lines.write("nowhere.png\n")
    found = only(camvid(streets), *USUAL)
    assert found.kind == "split" and "nowhere.png" in found.message


def test_a_folder_that_is_none_is_found(tmp_path: Path) -> None:
    assert only(camvid(tmp_path / "nowhere")).kind == "folder"


def test_what_training_would_refuse_is_found_in_any_case(streets: Path) -> None:
    """Of 31 codes the merge into eleven classes is refused, which no check looks for."""
    lines = (streets / "codes.txt").read_text().splitlines()
    (streets / "codes.txt").write_text("\n".join(["Beast", *lines[1:]]))
    assert only(camvid(streets, classes="11"), *USUAL).kind == "setup"
