"""`make_streets` keeps CamVid's layout to the letter, and its drives behave like videos."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from triptych.datasets.camvid_classes import OFFICIAL_COLORS, OFFICIAL_NAMES, VOID
from triptych.synthetic import make_streets
from triptych.synthetic.camvid.scene import street_frame

SMALL = (48, 64)
VOID_ID = OFFICIAL_NAMES.index(VOID)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 small frames on 10 streets."""
    return make_streets(tmp_path_factory.mktemp("data") / "streets", num_frames=120, image_size=SMALL)


@pytest.fixture(scope="module")
def fractions(root: Path) -> npt.NDArray[np.float64]:
    """Fraction of each class among all pixels, shape (32,)."""
    masks = np.stack([np.array(Image.open(path)) for path in sorted((root / "labels").iterdir())])
    return np.bincount(masks.ravel(), minlength=len(OFFICIAL_NAMES)) / masks.size


def digest(root: Path) -> dict[str, str]:
    """Hash of every file, by its path inside `root`."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_folder_holds_codes_valid_and_one_mask_for_each_image(root: Path) -> None:
    images = sorted(path.name for path in (root / "images").iterdir())
    assert sorted(path.name for path in root.iterdir()) == ["codes.txt", "images", "labels", "valid.txt"]
    assert (root / "codes.txt").read_text() == "\n".join(OFFICIAL_NAMES) + "\n"
    assert len(images) == 120
    assert sorted(path.name for path in (root / "labels").iterdir()) == [f"{name[:-4]}_P.png" for name in images]


def test_images_are_rgb_and_masks_palette_pngs_in_the_official_colours(root: Path) -> None:
    palette = [channel for color in OFFICIAL_COLORS.values() for channel in color]
    for path in sorted((root / "images").iterdir())[::10]:
        with Image.open(path) as image, Image.open(root / "labels" / f"{path.stem}_P.png") as mask:
            assert (image.mode, mask.mode) == ("RGB", "P")
            assert image.size == mask.size == SMALL[::-1]
            assert (mask.getpalette() or [])[: len(palette)] == palette
            assert np.array(mask).max() < len(OFFICIAL_NAMES)


@pytest.mark.parametrize(("num_frames", "valid_fraction"), [(2, 0.2), (7, 0.5), (26, 0.01), (26, 0.99)])
def test_valid_list_takes_whole_drives_and_leaves_some(tmp_path: Path, num_frames: int, valid_fraction: float) -> None:
    root = make_streets(tmp_path / "streets", num_frames, SMALL, valid_fraction)
    text = (root / "valid.txt").read_text()
    names = {path.name for path in (root / "images").iterdir()}
    valid = set(text.splitlines())
    assert text.endswith(".png\n")
    assert len(names) == num_frames
    assert set() < valid < names
    assert {name.split("_")[0] for name in valid}.isdisjoint(name.split("_")[0] for name in names - valid)


def test_valid_list_holds_the_fraction_asked_for(root: Path) -> None:
    assert len((root / "valid.txt").read_text().splitlines()) == 24


def test_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, again, other = (
        digest(make_streets(tmp_path / name, 6, SMALL, seed=seed)) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name.startswith("images/"))


def test_frame_depends_on_nothing_but_its_arguments() -> None:
    image, mask = street_frame(1, 2, 4.5, SMALL)
    street_frame(5, 0, 0.0, (64, 96))
    again, mask_again = street_frame(1, 2, 4.5, SMALL)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(mask, mask_again)


@pytest.mark.parametrize("size", [(33, 97), (97, 33), (180, 240)])
def test_frame_of_any_shape_is_road_at_the_bottom_and_sky_at_the_top(size: tuple[int, int]) -> None:
    image, mask = street_frame(0, 2, 1.0, size)
    height, width = size
    assert image.shape == (height, width, 3)
    assert image.dtype == mask.dtype == np.uint8
    assert mask[0, width // 2] == OFFICIAL_NAMES.index("Sky")
    assert mask[int(0.85 * height), width // 2] == OFFICIAL_NAMES.index("Road")
    assert (mask[-1] == VOID_ID).mean() > 0.8


def test_neighbours_in_a_drive_resemble_each_other_more_than_other_drives(root: Path) -> None:
    paths = sorted((root / "images").iterdir())
    images = np.stack([np.array(Image.open(path)) for path in paths]).astype(np.int16)
    masks = np.stack([np.array(Image.open(root / "labels" / f"{path.stem}_P.png")) for path in paths])
    drives = np.array([path.stem.split("_")[0] for path in paths])

    def likeness(step: int, *, same_drive: bool) -> tuple[float, float]:
        pairs = (drives[:-step] == drives[step:]) == same_drive
        change = np.abs(images[step:] - images[:-step]).mean(axis=(1, 2, 3))
        agreement = (masks[step:] == masks[:-step]).mean(axis=(1, 2))
        return float(change[pairs].mean()), float(agreement[pairs].mean())

    near_change, near_agreement = likeness(1, same_drive=True)
    far_change, far_agreement = likeness(12, same_drive=False)
    assert near_change < 0.7 * far_change
    assert near_agreement > far_agreement + 0.05


def test_classes_of_a_street_are_there_and_none_is_too_large(fractions: npt.NDArray[np.float64]) -> None:
    fraction = dict(zip(OFFICIAL_NAMES, fractions.tolist(), strict=True))
    common = ("Sky", "Road", "Building", "Tree", "Sidewalk", "Car", "SUVPickupTruck", "Truck_Bus")
    rare = ("LaneMkgsDriv", "Column_Pole", "Fence", "Pedestrian", "Bicyclist", "SignSymbol", "TrafficLight")
    assert min(fraction[name] for name in common) > 0.01
    assert min(fraction[name] for name in rare) > 0.0002
    assert max(fraction.values()) / (1 - fraction[VOID]) < 0.4


def test_void_is_there_but_rare(fractions: npt.NDArray[np.float64]) -> None:
    assert 0.01 < fractions[VOID_ID] < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_frames": 1}, r"num_frames must be at least 2 .*, got 1\."),
        ({"image_size": (16, 64)}, r"image_size must be \(height, width\), each at least 32, got \(16, 64\)\."),
        ({"valid_fraction": 1.0}, r"valid_fraction must lie between 0 and 1, both excluded, got 1\.0\."),
        ({"seed": -1}, r"seed must be at least 0, got -1\."),
    ],
)
def test_argument_out_of_range_is_named_with_its_value(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_streets(tmp_path / "streets", **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"is not empty, it holds 'notes\.txt' \(one of 1\); remove it or give"):
        make_streets(tmp_path, 2, SMALL)
    with pytest.raises(FileExistsError, match=r"notes\.txt is a file; expected a new or empty folder"):
        make_streets(tmp_path / "notes.txt", 2, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_empty_folder_and_missing_parents_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert make_streets(tmp_path / "empty", 2, SMALL) == tmp_path / "empty"
    assert (make_streets(tmp_path / "a" / "b", 2, SMALL) / "valid.txt").is_file()


def test_nothing_is_left_behind_when_writing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = Image.Image.save, []

    def fail_on_the_third(image: Image.Image, path: Path, **options: object) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OSError("disk full")
        save(image, path, **options)

    monkeypatch.setattr(Image.Image, "save", fail_on_the_third)
    with pytest.raises(OSError, match="disk full"):
        make_streets(tmp_path / "streets", 4, SMALL)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []
