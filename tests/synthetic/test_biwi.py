"""`make_portraits` keeps BIWI's layout to the letter, and its heads are where the pose files say."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from triptych.datasets.biwi import project
from triptych.synthetic import make_portraits
from triptych.synthetic.biwi.head import skull
from triptych.synthetic.biwi.look import SKIN_SCALE, portrait_look, quasirandom_numbers
from triptych.synthetic.biwi.pose import portrait_intrinsics, portrait_pose
from triptych.synthetic.biwi.scene import easel_for, portrait_frame

SMALL = (96, 128)
NUMBER = r"-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?"
ROW3, ROW4, SIZE = rf"({NUMBER} ){{3}}\n", rf"({NUMBER} ){{4}}\n", r"[0-9]+ [0-9]+ \n"
FRONT = (0.0, 0.0, -1.0)


@dataclass(frozen=True)
class Folder:
    """What an independent reader finds in a person's folder."""

    intrinsics: npt.NDArray[np.float64]
    size: tuple[int, ...]
    rotations: npt.NDArray[np.float64]
    centres_mm: npt.NDArray[np.float64]
    images: npt.NDArray[np.uint8]

    def points_px(self, intrinsics: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Centres as (x, y) in pixels, shape (N, 2), seen by this folder's camera or another."""
        seen = self.centres_mm @ (self.intrinsics if intrinsics is None else intrinsics).T
        return seen[:, :2] / seen[:, 2:]


def read_folder(folder: Path) -> Folder:
    blocks = [
        [[float(word) for word in line.split()] for line in block.splitlines()]
        for block in (folder / "rgb.cal").read_text().split("\n\n")
    ]
    poses = [np.loadtxt(path) for path in sorted(folder.glob("*_pose.txt"))]
    images = [np.array(Image.open(path)) for path in sorted(folder.glob("*_rgb.png"))]
    return Folder(
        intrinsics=np.array(blocks[0]),
        size=tuple(int(side) for side in blocks[4][0]),
        rotations=np.stack([pose[:3] for pose in poses]),
        centres_mm=np.stack([pose[3] for pose in poses]),
        images=np.stack(images),
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 persons, 20 small frames of each."""
    return make_portraits(tmp_path_factory.mktemp("data") / "portraits", image_size=SMALL)


@pytest.fixture(scope="module")
def folders(root: Path) -> list[Folder]:
    return [read_folder(folder) for folder in sorted(root.iterdir())]


def digest(root: Path) -> dict[str, str]:
    """Hash of every file, by its path inside `root`."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_folders_hold_a_calibration_and_pairs_of_frame_and_pose(root: Path) -> None:
    frames = [f"frame_{number:05d}" for number in range(3, 23)]
    expected = sorted(["rgb.cal", *(f"{name}_{kind}" for name in frames for kind in ("pose.txt", "rgb.png"))])
    assert sorted(path.name for path in root.iterdir()) == [f"{number:02d}" for number in range(1, 15)]
    for folder in root.iterdir():
        assert sorted(path.name for path in folder.iterdir()) == expected


def test_text_files_have_the_lines_of_the_original(root: Path) -> None:
    calibration = "\n".join((ROW3 * 3, ROW4, ROW3 * 3, ROW3, SIZE))
    pose = f"{ROW3 * 3}\n{ROW3}"
    for folder in root.iterdir():
        text = (folder / "rgb.cal").read_bytes().decode()
        assert re.fullmatch(calibration, text)
        assert text.endswith("\n128 96 \n")
        assert all(re.fullmatch(pose, path.read_bytes().decode()) for path in folder.glob("*_pose.txt"))


def test_frames_are_rgb_of_the_size_in_the_calibration(folders: list[Folder]) -> None:
    for folder in folders:
        assert folder.size == SMALL[::-1]
        assert folder.images.shape == (20, *SMALL, 3)
        assert folder.images.dtype == np.uint8


def test_golden_centre_projects_to_the_known_pixel() -> None:
    camera = np.array([[517.679, 0, 320], [0, 517.679, 240.5], [0, 0, 1]])
    x, y = project(np.array([187.332, 40.3892, 893.135]), camera)
    assert (round(x, 4), round(y, 4)) == (428.5814, 263.9104)


def test_cameras_scale_with_the_image_and_differ_from_folder_to_folder(folders: list[Folder]) -> None:
    for number, folder in enumerate(folders):
        fx, fy = folder.intrinsics[[0, 1], [0, 1]]
        assert fx == pytest.approx(517.679 * 128 / 640, rel=0.061)
        assert fy == pytest.approx(fx, rel=0.011)
        np.testing.assert_allclose(folder.intrinsics[:2, 2], (64, 48.5), atol=2.6)
        large = portrait_intrinsics(0, number, (480, 640))
        assert large[0, 0] == pytest.approx(5 * fx, rel=1e-4)
    first, second = folders[:2]
    assert np.abs(first.points_px() - first.points_px(second.intrinsics)).max() > 1


def test_rotations_are_orthonormal_and_heads_turn_both_ways(folders: list[Folder]) -> None:
    rotations = np.concatenate([folder.rotations for folder in folders])
    identity = np.broadcast_to(np.eye(3), rotations.shape)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), identity, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-5)
    sideways, up = -rotations[:, 0, 2], -rotations[:, 1, 2]
    assert sideways.min() < -0.4 < 0.4 < sideways.max()
    assert up.min() < -0.15 < 0.15 < up.max()


@pytest.mark.parametrize("seed", range(4))
def test_centres_lie_inside_and_spread_over_the_image(seed: int) -> None:
    poses = [portrait_pose(seed, number, frame, SMALL) for number in range(12) for frame in range(20)]
    cameras = [portrait_intrinsics(seed, number, SMALL) for number in range(12) for _ in range(20)]
    points = np.stack([project(pose.centre_mm, camera) for pose, camera in zip(poses, cameras, strict=True)])
    fractions = points / SMALL[::-1]
    depths = [pose.centre_mm[2] for pose in poses]
    assert 0.1 < fractions.min() < fractions.max() < 0.9
    assert (fractions.std(axis=0) > 0.14).all()
    assert 700 <= min(depths) < 800
    assert 1200 < max(depths) <= 1300


def test_centre_stays_inside_in_a_long_film_of_any_shape() -> None:
    for size in ((40, 200), (200, 40)):
        for number in range(8):
            camera = portrait_intrinsics(1, number, size)
            for frame in range(200):
                x, y = project(portrait_pose(1, number, frame, size).centre_mm, camera)
                assert 0 < x < size[1]
                assert 0 < y < size[0]


@pytest.mark.parametrize("number", range(4))
def test_drawn_skull_is_centred_on_the_projected_point_and_sized_by_depth(number: int) -> None:
    size, person = (240, 320), portrait_look(0, number)
    pose, camera = portrait_pose(0, number, 7, size), portrait_intrinsics(0, number, size)
    easel = easel_for(person, pose, size, np.zeros((*size, 3), np.float32))
    easel.draw(skull(person, FRONT, blink=False), pose.rotation)
    rows, columns = np.nonzero(easel.image.any(axis=2))
    x, y = project(pose.centre_mm, camera)
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(x, abs=1)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(y, abs=1)
    assert columns.mean() + 0.5 == pytest.approx(x, abs=0.5)
    assert rows.mean() + 0.5 == pytest.approx(y, abs=0.5)
    area_px = np.pi * 80 * 106 * camera[0, 0] * camera[1, 1] / pose.centre_mm[2] ** 2
    assert rows.size == pytest.approx(area_px, rel=0.2)


@pytest.mark.parametrize("frame", range(0, 20, 3))
def test_eyes_are_drawn_where_the_rotation_puts_them(frame: int) -> None:
    size, person = (480, 640), replace(portrait_look(0, 0), eyes=(0, 255, 0), tint=(1, 1, 1))
    pose, camera = portrait_pose(0, 0, frame, size), portrait_intrinsics(0, 0, size)
    easel = easel_for(person, pose, size, np.zeros((*size, 3), np.float32))
    easel.draw(skull(person, FRONT, blink=False), pose.rotation)
    rows, columns = np.nonzero(easel.image[..., 1] > 1.7 * easel.image[..., 0])
    eyes = np.array([[x, 0, -96 * np.sqrt(1 - (x / (78 * person.width)) ** 2)] for x in (-30, 30)])
    scale = camera[[0, 1], [0, 1]] / pose.centre_mm[2]
    expected = project(pose.centre_mm, camera) + scale * (eyes @ pose.rotation.T)[:, :2]
    pixels = np.stack([columns, rows], axis=1) + 0.5
    nearest = np.linalg.norm(pixels[:, None] - expected, axis=2).argmin(axis=1)
    for eye in (0, 1):
        np.testing.assert_allclose(pixels[nearest == eye].mean(axis=0), expected[eye], atol=1.5)


def test_head_in_the_frame_is_the_person_and_not_the_room(folders: list[Folder]) -> None:
    """Around the centre, frames of a folder change less when they are lined up on it than when they are not."""
    lined_up, in_place = [], []
    for folder in folders:
        points = np.round(folder.points_px()).astype(int)
        images = folder.images.astype(np.float64)
        for i, j in ((0, 5), (3, 12), (8, 19)):
            first, second, stale = (
                image[y - 4 : y + 5, x - 4 : x + 5].mean(axis=(0, 1))
                for image, (x, y) in ((images[i], points[i]), (images[j], points[j]), (images[j], points[i]))
            )
            lined_up.append(np.abs(first - second).mean())
            in_place.append(np.abs(first - stale).mean())
    assert np.mean(lined_up) < 0.6 * np.mean(in_place)


def test_frames_of_a_person_are_alike_and_change_smoothly(folders: list[Folder]) -> None:
    films = np.stack([folder.images for folder in folders]).astype(np.int16)
    next_frame = np.abs(films[:, 1:] - films[:, :-1]).mean()
    same_person = np.abs(films[:, 10:] - films[:, :-10]).mean()
    next_person = np.abs(films[1:] - films[:-1]).mean()
    assert next_frame < 0.8 * same_person
    assert same_person < 0.6 * next_person
    steps = np.concatenate([np.diff(folder.points_px(), axis=0) for folder in folders])
    assert np.abs(steps / SMALL[::-1]).max() < 0.09


def test_persons_cover_all_skin_tones_and_do_not_look_the_same() -> None:
    for seed in range(4):
        darkness = sorted(quasirandom_numbers(seed, number)[3] for number in range(12))
        assert max(np.diff([0, *darkness, 1])) < 0.25
        persons = [portrait_look(seed, number) for number in range(24)]
        assert len({(person.style, person.clothes, person.fabric, person.wall) for person in persons}) == 24
        assert len({person.style for person in persons[:10]}) == 10
        brightness = [sum(person.skin) for person in persons]
        assert sum(SKIN_SCALE[-1]) <= min(brightness) < max(brightness) <= sum(SKIN_SCALE[0])


def test_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, again, other = (
        digest(make_portraits(tmp_path / name, 2, 3, SMALL, seed)) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_more_persons_and_frames_leave_the_first_ones_as_they_are(tmp_path: Path) -> None:
    few, many = (
        digest(make_portraits(tmp_path / name, *counts, SMALL)) for name, counts in (("a", (1, 2)), ("b", (2, 4)))
    )
    assert few.items() < many.items()


def test_frame_depends_on_nothing_but_its_arguments() -> None:
    image = portrait_frame(1, 2, 3, SMALL)
    portrait_frame(5, 0, 0, (64, 96))
    np.testing.assert_array_equal(image, portrait_frame(1, 2, 3, SMALL))
    assert image.dtype == np.uint8


@pytest.mark.parametrize("size", [(32, 32), (33, 97), (97, 33), (480, 640)])
def test_frame_of_any_shape_is_drawn(size: tuple[int, int]) -> None:
    image = portrait_frame(0, 1, 4, size)
    assert image.shape == (*size, 3)
    assert image.std() > 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_persons": 0}, r"^portraits: num_persons must be at least 1, got 0\.$"),
        ({"frames_per_person": -2}, r"^portraits: frames_per_person must be at least 1, got -2\.$"),
        ({"image_size": (16, 64)}, r"^portraits: image_size must be \(height, width\), each at least 32, got \(16, 64"),
        ({"seed": -1}, r"^portraits: seed must be at least 0, got -1\.$"),
    ],
)
def test_argument_out_of_range_is_named_with_its_value(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_portraits(tmp_path / "portraits", **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"^portraits: .* is not empty, it holds 'notes\.txt' \(one of 1\)"):
        make_portraits(tmp_path, 1, 1, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_nothing_is_left_behind_when_writing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = Image.Image.save, []

    def fail_on_the_third(image: Image.Image, path: Path, **options: object) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OSError("disk full")
        save(image, path, **options)

    monkeypatch.setattr(Image.Image, "save", fail_on_the_third)
    with pytest.raises(OSError, match="disk full"):
        make_portraits(tmp_path / "portraits", 2, 2, SMALL)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []
