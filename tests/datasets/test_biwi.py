"""BIWI's folders: where a head's centre is seen, and the errors for a folder that is not in order."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from biwi_files import ROTATION, Camera, pose_text, write_person
from PIL import Image

from triptych.datasets.biwi import BIWI, list_persons, project, read_calibration, read_centre
from triptych.errors import BadSampleError, MissingDataError

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "biwi"
POINTS = [(20.0, 30.5), (40.25, 11.0), (63.75, 0.0)]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Two persons, before cameras that differ, with three frames of 48x64 each."""
    write_person(tmp_path / "01", POINTS)
    write_person(tmp_path / "02", POINTS, camera=Camera(fx=60.0, fy=48.0, cx=30.0, cy=27.5))
    return tmp_path


def pose_of(root: Path, number: int = 3) -> Path:
    return root / "01" / f"frame_{number:05d}_pose.txt"


def frame_of(root: Path, number: int = 3) -> Path:
    return root / "01" / f"frame_{number:05d}_rgb.png"


def test_the_golden_centre_is_seen_where_the_course_sees_it(tmp_path: Path) -> None:
    folder = write_person(tmp_path / "09", [(320, 240)], size=(480, 640), camera=Camera(), suffix=".jpg")
    (folder / "frame_00003_pose.txt").write_text(pose_text([187.332, 40.3892, 893.135]))
    record = BIWI(tmp_path)[0]
    np.testing.assert_array_equal(record["keypoints"].round(4), [[428.5814, 263.9104]])
    assert (record["keypoints"].dtype, record["image"].shape) == (np.float64, (480, 640, 3))


def test_each_folder_is_projected_with_its_own_camera(people: Path) -> None:
    frames = BIWI(people)
    assert frames.persons == ["01", "02"]
    np.testing.assert_allclose(frames.points_px, POINTS * 2, atol=1e-9)
    (people / "02" / "rgb.cal").write_text((people / "01" / "rgb.cal").read_text())
    with pytest.warns(UserWarning, match="1 of 6 centres lie outside"):
        moved = np.array(BIWI(people, outside="keep").points_px)
    np.testing.assert_allclose(moved[:3], POINTS, atol=1e-9)
    assert (np.abs(moved[3:] - POINTS) > 0.5).any(axis=1).all()


def test_made_up_portraits_have_a_camera_each_and_every_centre_in_sight(drawn_portraits: Path) -> None:
    frames = BIWI(drawn_portraits)
    cameras = {(folder / "rgb.cal").read_text() for folder in drawn_portraits.iterdir()}
    assert len(cameras) == len(frames.persons) > 1
    for path, point in zip(frames.paths, frames.points_px, strict=True):
        numbers = (path.parent / "rgb.cal").read_text().split()
        x, y, z = map(float, Path(str(path).replace("_rgb.png", "_pose.txt")).read_text().split()[9:])
        expected = x / z * float(numbers[0]) + float(numbers[2]), y / z * float(numbers[4]) + float(numbers[5])
        np.testing.assert_allclose(point, expected)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real frames are not here")
def test_all_real_frames_are_read_and_have_their_centre_in_sight() -> None:
    frames = BIWI(REAL)
    assert frames.persons == [f"{number:02d}" for number in range(1, 25)]
    assert len(frames) == len(list(REAL.glob("*/*_pose.txt"))) > 24
    for index in range(0, len(frames), 97):
        record = frames[index]
        assert record["image"].shape == (480, 640, 3)
        centre_mm = read_centre(Path(record["path"].replace("_rgb.jpg", "_pose.txt")))
        focal, (cx, cy) = 517.679, (320, 240.5)
        x, y = centre_mm[:2] * focal / centre_mm[2]
        np.testing.assert_allclose(record["keypoints"], [[x + cx, y + cy]], atol=1e-6)
    first = project(np.array([187.332, 40.3892, 893.135]), read_calibration(REAL / "09" / "rgb.cal"))
    assert first.round(4).tolist() == [428.5814, 263.9104]


def test_a_frame_gives_its_pixels_its_centre_and_its_path(people: Path) -> None:
    record = BIWI(people)[1]
    assert record["path"] == str(frame_of(people, 4))
    assert np.array_equal(record["image"], np.array(Image.open(frame_of(people, 4))))
    np.testing.assert_allclose(record["keypoints"], [POINTS[1]])


def test_persons_come_sorted_or_as_named(people: Path) -> None:
    for name in (".cache", "__MACOSX", "notes"):
        (people / name).mkdir()
    (people / ".cache" / "rgb.cal").touch()
    (people / "__MACOSX" / "rgb.cal").touch()
    (people / "readme.txt").touch()
    assert list_persons(people) == BIWI(people).persons == ["01", "02"]
    assert [path.parent.name for path in BIWI(people, ["02", "01"]).paths] == ["02"] * 3 + ["01"] * 3


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_grey_or_cmyk_jpeg_gives_the_colours_one_sees(people: Path, mode: str) -> None:
    colours = Image.fromarray(np.kron([[[200, 60, 30], [20, 90, 210]]], np.ones((48, 32, 1))).astype(np.uint8))
    frame_of(people).unlink()
    path = frame_of(people).with_suffix(".jpg")
    colours.convert(mode).save(path, quality=100)
    image = BIWI(people)[0]["image"]
    assert image.shape == (48, 64, 3)
    np.testing.assert_allclose(image.astype(int), np.array(colours.convert(mode).convert("RGB")), atol=6)


@pytest.mark.parametrize("fraction", [0.2, 0.6, 0.99])
def test_a_jpeg_cut_off_is_refused_by_name(people: Path, fraction: float) -> None:
    frame_of(people).unlink()
    path = frame_of(people).with_suffix(".jpg")
    Image.fromarray(np.random.default_rng(0).integers(256, size=(48, 64, 3), dtype=np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a")):
        BIWI(people)[0]


def test_an_absent_or_empty_root_is_named(tmp_path: Path) -> None:
    text = f"{tmp_path / 'x'}: no such folder; expected a folder for each person in it (`triptych make-data biwi DIR`"
    for persons in (None, ["13"]):
        with pytest.raises(MissingDataError, match=re.escape(text)):
            BIWI(tmp_path / "x", persons)
    text = f"{tmp_path}: expected a folder for each person (01, 02, ...) with the camera's rgb.cal in it, "
    with pytest.raises(MissingDataError, match=re.escape(f"{text}found none.")):
        BIWI(tmp_path)
    (tmp_path / "faces").mkdir()
    with pytest.raises(MissingDataError, match=re.escape(f"{text}got faces and so on, none of them with one.")):
        BIWI(tmp_path)


def test_an_unknown_person_is_reported_with_those_there_are(people: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(f"person: {people} has no '13'; there are 01, 02.")):
        BIWI(people, ["01", "13"])


def test_a_pose_without_a_frame_is_named(people: Path) -> None:
    stem = people / "01" / "frame_00004"
    Path(f"{stem}_rgb.png").unlink()
    text = f"{stem}_pose.txt: the pose has no frame; expected {stem}_rgb.png or .jpg."
    with pytest.raises(MissingDataError, match=re.escape(text)):
        BIWI(people)


def test_frames_without_a_centre_are_dropped_and_counted(people: Path) -> None:
    pose_of(people, 3).unlink()
    pose_of(people, 5).write_text(f"{ROTATION}\nnan nan nan\n")
    (people / "02" / "frame_00004_pose.txt").write_text(" \n")
    text = (
        "biwi: 3 of 6 frames have no centre (no pose, or one that is empty or NaN) and are dropped; the first is "
        f"{frame_of(people)}."
    )
    with pytest.warns(UserWarning, match=re.escape(text)) as caught:
        frames = BIWI(people)
    assert (len(caught), caught[0].filename) == (1, __file__)
    assert [(path.parent.name, path.name[6:11]) for path in frames.paths] == [
        ("01", "00004"),
        ("02", "00003"),
        ("02", "00005"),
    ]
    np.testing.assert_allclose(frames.points_px, [POINTS[1], POINTS[0], POINTS[2]], atol=1e-9)


def test_what_a_system_has_put_beside_the_files_is_passed_over(people: Path) -> None:
    for path in [*people.rglob("*.*")]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    (people / "01" / "Thumbs.db").touch()
    frames = BIWI(people)
    assert [path.name for path in frames.paths] == [f"frame_{number:05d}_rgb.png" for number in (3, 4, 5)] * 2
    np.testing.assert_allclose(frames.points_px, POINTS * 2, atol=1e-9)


def test_a_folder_with_poses_but_no_calibration_is_no_person_and_said_to_be_none(people: Path) -> None:
    (people / "02" / "rgb.cal").unlink()
    text = f"biwi: 1 of 2 folders have poses but no rgb.cal, and are passed over; the first is {people / '02'}."
    with pytest.warns(UserWarning, match=re.escape(text)):
        assert BIWI(people).persons == ["01"]


def test_two_frames_for_one_pose_are_named(people: Path) -> None:
    twin = frame_of(people).with_suffix(".jpg")
    Image.open(frame_of(people)).save(twin)
    text = f"{twin}: expected one frame for each pose, but {frame_of(people).name} exists too; remove one."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        BIWI(people)


POSE = "three rows of rotation and the centre x y z"
CENTRE = "1 2 900 \n"
BROKEN_POSES = {
    "a word": (f"{ROTATION}\n1 two 900\n", f"expected numbers ({POSE}), got: could not convert string to float: 'two'"),
    "infinity": (f"{ROTATION}\n1 inf 900\n", f"expected finite numbers ({POSE}), got inf."),
    "half a rotation": (f"nan {ROTATION}"[:-6] + CENTRE, f"expected finite numbers ({POSE}), got nan."),
    "no centre": (ROTATION, f"expected at least 12 numbers ({POSE}), got 9."),
    "half a centre": (f"{ROTATION}\n1 2", f"expected at least 12 numbers ({POSE}), got 11."),
    "at the lens": (f"{ROTATION}\n1 2 0", "expected a centre in front of the camera, got depth Z = 0."),
    "behind": (f"{ROTATION}\n1 2 -900.5", "expected a centre in front of the camera, got depth Z = -900.5."),
}


@pytest.mark.parametrize("how", BROKEN_POSES)
def test_a_broken_pose_is_named(people: Path, how: str) -> None:
    content, text = BROKEN_POSES[how]
    pose_of(people, 5).write_text(content)
    with pytest.raises(BadSampleError, match=re.escape(f"{pose_of(people, 5)}: {text}")):
        BIWI(people)


MATRIX = "a 3x3 matrix of intrinsics first"
BROKEN_CALIBRATIONS: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (Path.unlink, "no such file; expected the calibration of this person's camera."),
    "short": (lambda path: path.write_text("51 0 33\n0 52"), f"expected at least 9 numbers ({MATRIX}), got 5."),
    "words": (
        lambda path: path.write_text("fx 0 33\n0 52 23\n0 0 1\n"),
        f"expected numbers ({MATRIX}), got: could not convert string to float: 'fx'.",
    ),
    "bytes": (
        lambda path: path.write_bytes(b"1 0\n\xe9"),
        "expected text in UTF-8, got byte 0xe9 at position 4 (line 2); save it as UTF-8.",
    ),
    "no focal length": (
        lambda path: path.write_text(Camera(fx=51.0, fy=0.0).text()),
        "expected focal lengths above 0, got 51.0 and 0.0.",
    ),
}


@pytest.mark.parametrize("how", BROKEN_CALIBRATIONS)
def test_a_missing_or_broken_calibration_is_named(people: Path, how: str) -> None:
    break_it, text = BROKEN_CALIBRATIONS[how]
    path = people / "02" / "rgb.cal"
    break_it(path)
    kind = MissingDataError if how == "absent" else BadSampleError
    with pytest.raises(kind, match=re.escape(f"{path}: {text}")):
        BIWI(people, ["01", "02"])


@pytest.mark.parametrize("outside", ["drop", "keep"])
def test_centres_outside_of_their_frame_are_counted_named_and_treated_as_asked(people: Path, outside: str) -> None:
    camera = Camera(fx=51.0, fy=52.0, cx=33.0, cy=23.0)
    for number, (x, y) in {3: (64.0, 20.0), 5: (10.0, -0.5)}.items():
        pose_of(people, number).write_text(pose_text(camera.centre_mm(x, y)))
    done = {"drop": "dropped", "keep": "kept"}[outside]
    text = (
        f"biwi: 2 of 6 centres lie outside of their frame and are {done}; the first is {frame_of(people)} "
        "(x 64.0, y 20.0, frame 64x48)."
    )
    with pytest.warns(UserWarning, match=re.escape(text)) as caught:
        frames = BIWI(people, outside=outside)
    assert (len(caught), caught[0].filename) == (1, __file__)
    names = [(path.parent.name, path.name[6:11]) for path in frames.paths]
    kept = [("01", "00003"), ("01", "00004"), ("01", "00005")] if outside == "keep" else [("01", "00004")]
    assert names == [*kept, ("02", "00003"), ("02", "00004"), ("02", "00005")]
    points = [(64.0, 20.0), POINTS[1], (10.0, -0.5)] if outside == "keep" else [POINTS[1]]
    np.testing.assert_allclose(frames.points_px, [*points, *POINTS], atol=1e-9)


def test_an_unknown_treatment_of_centres_outside_is_refused(people: Path) -> None:
    with pytest.raises(ValueError, match=re.escape('outside: expected "drop" or "keep", got \'clip\'.')):
        BIWI(people, outside="clip")
