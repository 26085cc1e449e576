"""Faults of portraits, of their poses and of tables of points: each is found once, and named with its file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from biwi_files import Camera, dotted, pose_text, write_person
from examined import faults, only
from PIL import Image

from triptych import BIWIDataModule, PointsDataModule

CAMERA = Camera(fx=51.0, fy=52.0, cx=33.0, cy=23.0)
POSE, FRAME = "01/frame_00003_pose.txt", "01/frame_00003_rgb.png"


@pytest.fixture
def persons(tmp_path: Path) -> Path:
    """Persons 01 and 13 with three frames of 48x64 each."""
    write_person(tmp_path / "persons" / "01", [(12, 10), (40, 31), (55, 20)])
    write_person(tmp_path / "persons" / "13", [(20, 40), (31, 22), (8, 35)])
    return tmp_path / "persons"


def move_outside(root: Path) -> str:
    (root / POSE).write_text(pose_text(CAMERA.centre_mm(70, 10)))
    return FRAME


def drop_pose(root: Path) -> str:
    (root / POSE).unlink()
    return FRAME


def spoil_pose(root: Path) -> str:
    (root / POSE).write_text("no numbers\n")
    return POSE


def drop_frame(root: Path) -> str:
    (root / FRAME).unlink()
    return POSE


def spoil_calibration(root: Path) -> str:
    (root / "01" / "rgb.cal").write_text("1 2 3\n")
    return "01/rgb.cal"


FAULTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "points-outside": ("warning", move_outside),
    "points-missing": ("warning", drop_pose),
    "pose": ("error", spoil_pose),
    "no-image": ("error", drop_frame),
    "calibration": ("error", spoil_calibration),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_once_and_named_with_its_file(persons: Path, kind: str) -> None:
    level, damage = FAULTS[kind]
    path = damage(persons)
    found = only(BIWIDataModule(str(persons)))
    assert (found.kind, found.level) == (kind, level)
    assert path in found.files


def test_healthy_portraits_have_no_fault(persons: Path) -> None:
    assert faults(BIWIDataModule(str(persons))) == {}


def test_points_of_a_table_are_examined(tmp_path: Path) -> None:
    rows = ["path,name,y_px,x_px"]
    for number, x in enumerate((5, 20, 40, 90, 30)):
        Image.fromarray(dotted((48, 64), x, 24, 4)).save(tmp_path / f"face{number}.png")
        rows += [f"face{number}.png,nose,24,{x}", f"face{number}.png,chin,{'' if number else 40},{'' if number else x}"]
    (tmp_path / "points.csv").write_text("\n".join(rows))
    found = faults(PointsDataModule(str(tmp_path)))
    assert {kind: [*one.files] for kind, one in found.items()} == {
        "points-outside": ["face3.png"],
        "points-missing": [f"face{number}.png" for number in (1, 2, 3, 4)],
    }
    assert "x 90.0, y 24.0 in 64x48" in found["points-outside"].files["face3.png"]


def test_what_training_would_refuse_or_warn_of_in_a_table_is_found(tmp_path: Path) -> None:
    rows = ["path,name,y_px,x_px", "face0.png,ear,,", "face0.png,Nose,0,0"]
    for number in range(4):
        Image.fromarray(dotted((48, 64), 5 + 15 * number, 24, 4)).save(tmp_path / f"face{number}.png")
        rows.append(f"face{number}.png,nose,24,{5 + 15 * number}")
    (tmp_path / "points.csv").write_text("\n".join(rows))
    found = faults(PointsDataModule(str(tmp_path)))
    assert {kind: one.level for kind, one in found.items()} == {
        **dict.fromkeys(("points-at-zero", "point-spelling", "points-missing"), "warning"),
        "setup": "error",
    }
    assert "got 'ear' in none" in found["setup"].message
    assert "nose, Nose" in found["point-spelling"].message or "Nose, nose" in found["point-spelling"].message
    assert [*found["points-at-zero"].files] == ["face0.png"]


def test_an_image_of_a_table_that_cannot_be_read_is_found_once(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(dotted((48, 64), 20 + number, 24, 4)).save(tmp_path / f"face{number}.png")
    rows = [f"face{number}.png,24,{20 + number}" for number in range(4)]
    (tmp_path / "points.csv").write_text("\n".join(["path,y_px,x_px", *rows]))
    (tmp_path / "face2.png").write_text("no image")
    found = only(PointsDataModule(str(tmp_path)))
    assert (found.kind, [*found.files]) == ("unreadable", ["face2.png"])
