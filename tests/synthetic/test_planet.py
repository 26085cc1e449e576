"""`make_tiles` keeps Planet's layout to the letter, and a tile's tags are what it shows."""

import csv
import hashlib
import math
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.synthetic.planet import make_tiles
from triptych.synthetic.planet.scene import draw_scene, tile, tile_tags, tile_with
from triptych.synthetic.planet.tags import FINE_TAGS, TAG_FRACTIONS, WEATHER_FRACTIONS

SMALL = (48, 64)
ON_FOREST = [tag for tag in PLANET_TAGS if tag not in {"primary", *WEATHER_FRACTIONS}]

Pixels = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 small tiles."""
    return make_tiles(tmp_path_factory.mktemp("data") / "tiles", num_tiles=60, image_size=SMALL)


@pytest.fixture(scope="module")
def tag_sets() -> list[tuple[str, ...]]:
    """Tags of 4000 tiles that nobody draws."""
    return [tile_tags(0, index) for index in range(4000)]


def table(root: Path) -> list[dict[str, str]]:
    with (root / "train_v2.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def drawn(tags: str, index: int = 0) -> Pixels:
    return tile_with(tuple(tags.split()), 0, index).astype(np.int16)


def changed(before: Pixels, after: Pixels) -> npt.NDArray[np.bool_]:
    """Pixels (H, W) that differ by more than grain does."""
    return np.abs(after - before).max(axis=2) > 30


def contrast(image: Pixels) -> float:
    """Mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(image, axis=1)).mean())


def test_folder_holds_the_table_and_one_rgb_jpeg_for_each_row(root: Path) -> None:
    rows = table(root)
    assert sorted(path.name for path in root.iterdir()) == ["train-jpg", "train_v2.csv"]
    assert (root / "train_v2.csv").read_bytes().startswith(b"image_name,tags\ntrain_0,")
    assert [row["image_name"] for row in rows] == [f"train_{index}" for index in range(60)]
    assert {path.name for path in (root / "train-jpg").iterdir()} == {f"{row['image_name']}.jpg" for row in rows}
    for row in rows:
        with Image.open(root / "train-jpg" / f"{row['image_name']}.jpg") as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", SMALL[::-1])


def test_rows_have_the_tags_of_their_tiles_in_alphabetical_order(root: Path) -> None:
    for index, row in enumerate(table(root)):
        tags = row["tags"].split(" ")
        image, drawn_tags = tile(0, index, SMALL)
        with Image.open(root / "train-jpg" / f"train_{index}.jpg") as written:
            loss = np.abs(np.array(written).astype(np.int16) - image).mean()
        assert tuple(tags) == drawn_tags
        assert tags == sorted(set(tags))
        assert set(tags) <= set(PLANET_TAGS)
        assert loss < 8  # what JPEG takes; another tile differs by 25 and more


def test_tags_are_the_seventeen_in_alphabetical_order() -> None:
    assert len(PLANET_TAGS) == 17
    assert list(PLANET_TAGS) == sorted(set(PLANET_TAGS))
    assert set(TAG_FRACTIONS) == set(PLANET_TAGS)


def test_every_tag_occurs_and_as_often_as_stated(tag_sets: list[tuple[str, ...]]) -> None:
    counts = Counter(tag for tags in tag_sets for tag in tags)
    for tag, fraction in TAG_FRACTIONS.items():
        sigma = math.sqrt(len(tag_sets) * fraction * (1 - fraction))
        assert abs(counts[tag] - len(tag_sets) * fraction) < 3.5 * sigma, tag
    assert set(counts) == set(PLANET_TAGS)


def test_weather_is_exactly_one_and_cloudy_stands_alone(tag_sets: list[tuple[str, ...]]) -> None:
    for tags in tag_sets:
        assert len(WEATHER_FRACTIONS.keys() & set(tags)) == 1
        assert ("cloudy" in tags) == (tags == ("cloudy",)) == (len(tags) == 1)


def test_what_haze_would_hide_is_not_under_it(tag_sets: list[tuple[str, ...]]) -> None:
    assert not [tags for tags in tag_sets if "haze" in tags and FINE_TAGS & set(tags)]


def test_tags_keep_company_as_in_the_real_set(tag_sets: list[tuple[str, ...]]) -> None:
    def fraction(tag: str, among: str) -> float:
        there = [tags for tags in tag_sets if among in tags]
        return sum(tag in tags for tags in there) / len(there)

    assert fraction("road", "habitation") > 0.75
    assert fraction("agriculture", "habitation") > 0.6
    assert fraction("agriculture", "road") > 0.65
    assert fraction("agriculture", "cultivation") > 2 * TAG_FRACTIONS["agriculture"]
    assert fraction("primary", "agriculture") == 1


def test_most_frequent_tags_alone_are_a_poor_guess(tag_sets: list[tuple[str, ...]]) -> None:
    guess = {"clear", "primary", "agriculture"}
    hits = np.array([len(guess & set(tags)) for tags in tag_sets])
    f2 = 5 * hits / (4 * np.array([len(tags) for tags in tag_sets]) + len(guess))
    assert f2.mean() < 0.8


@pytest.mark.parametrize("tag", ON_FOREST)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_thing_on_the_ground_is_seen_and_leaves_forest(tag: str, index: int) -> None:
    fraction = changed(drawn("clear primary", index), drawn(f"clear primary {tag}", index)).mean()
    assert 0.003 < fraction < 0.8


@pytest.mark.parametrize("company", ["agriculture clear habitation road", "habitation partly_cloudy road water"])
def test_elements_add_to_a_full_scene_as_well(company: str) -> None:
    for tag in ("artisinal_mine", "bare_ground", "cultivation", "slash_burn"):
        assert changed(drawn(f"primary {company}"), drawn(f"primary {company} {tag}")).mean() > 0.005, tag


def test_nothing_tagged_is_out_of_sight() -> None:
    for index in range(200):
        tags = tile_tags(1, index)
        scene = draw_scene(tags, (1, index), (128, 128))
        seen = {tag: float(cover.sum()) for tag, cover in scene.seen.items()}
        assert set(seen) == set(tags) - set(WEATHER_FRACTIONS)
        assert min(seen.values(), default=100.0) > 60  # pixels of 128 * 128


@pytest.mark.parametrize("index", range(5))
def test_weather_shows_in_brightness_and_contrast(index: int) -> None:
    scenes = ("clear primary", "partly_cloudy primary", "haze primary", "cloudy")
    clear, clouds, haze, cloudy = (drawn(tags, index) for tags in scenes)
    assert cloudy.mean() > 150 > haze.mean() > clear.mean() + 25
    assert contrast(haze) < 0.8 * contrast(clear)
    assert 0.02 < (clouds.min(axis=2) > 180).mean() < 0.7
    assert (clouds.mean(axis=2) < 0.7 * clear.mean()).any()  # their shadows
    assert clear.max() < 180


@pytest.mark.parametrize("index", range(5))
def test_water_is_brown_or_dark(index: int) -> None:
    scene = draw_scene(("clear", "primary", "water"), (0, index), (128, 128))
    wet = scene.seen["water"] > 0.95
    assert wet.mean() > 0.02
    red, green, blue = np.median(drawn("clear primary water", index)[wet], axis=0).tolist()
    assert red > blue + 15 or max(red, green, blue) < 75


def test_pits_have_turquoise_ponds_and_burnt_plots_are_dark() -> None:
    land, mine = drawn("clear primary"), drawn("clear conventional_mine primary")
    pond = (mine[..., 2] > mine[..., 0] + 25) & changed(land, mine)
    assert pond.mean() > 0.005
    burnt = drawn("clear primary slash_burn")
    assert burnt[changed(land, burnt)].mean() < land.mean()


def test_without_forest_the_tile_is_all_water_or_all_soil() -> None:
    water, soil = drawn("clear water"), drawn("bare_ground clear")
    assert water.std(axis=(0, 1)).max() < 12
    assert soil.mean() > 90


def test_cloudy_hides_everything() -> None:
    np.testing.assert_array_equal(drawn("cloudy"), drawn("agriculture cloudy primary road"))


def test_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, again, other = (
        digest(make_tiles(tmp_path / name, 6, SMALL, seed=seed)) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_tile_depends_on_nothing_but_its_arguments() -> None:
    image, tags = tile(1, 2, SMALL)
    tile(5, 0, (64, 96))
    again, tags_again = tile(1, 2, SMALL)
    np.testing.assert_array_equal(image, again)
    assert tags == tags_again == tile_tags(1, 2)


@pytest.mark.parametrize("size", [(32, 32), (33, 97), (97, 33), (200, 160)])
def test_every_tag_can_be_drawn_at_any_size(size: tuple[int, int]) -> None:
    bare = tile_with(("clear", "primary"), 0, 0, size).astype(np.int16)
    for tag in PLANET_TAGS:
        image = tile_with((tag,) if tag == "cloudy" else ("primary", tag), 0, 0, size)
        assert (image.shape, image.dtype) == ((*size, 3), np.uint8)
        assert tag in {"clear", "primary"} or changed(bare, image.astype(np.int16)).any(), tag


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_tiles": 1}, r"^tiles: num_tiles must be at least 2 .*, got 1\.$"),
        ({"image_size": (16, 64)}, r"^tiles: image_size must be .*, each at least 32, got \(16, 64\)\.$"),
        ({"seed": -1}, r"^tiles: seed must be at least 0, got -1\.$"),
    ],
)
def test_argument_out_of_range_is_named_with_its_value(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_tiles(tmp_path / "tiles", **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"tiles: .* is not empty, it holds 'notes\.txt' \(one of 1\)"):
        make_tiles(tmp_path, 2, SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_empty_folder_and_missing_parents_are_welcome(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert make_tiles(tmp_path / "empty", 2, SMALL) == tmp_path / "empty"
    assert len(table(make_tiles(tmp_path / "a" / "b", 2, SMALL))) == 2


def test_nothing_is_left_behind_when_writing_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = Image.Image.save, []

    def fail_on_the_third(image: Image.Image, path: Path, **options: object) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OSError("disk full")
        save(image, path, **options)

    monkeypatch.setattr(Image.Image, "save", fail_on_the_third)
    with pytest.raises(OSError, match="disk full"):
        make_tiles(tmp_path / "tiles", 4, SMALL)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []
