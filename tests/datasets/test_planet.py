"""Planet's table and tiles: what a tile gives in any layout, and the errors for a table that is not in order."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from triptych.datasets.planet import Planet
from triptych.datasets.planet_tags import PLANET_TAGS
from triptych.errors import BadSampleError, MissingDataError

SIDE = 16


def folder_of(root: Path, tags: dict[str, str]) -> Path:
    """Flat tiles, each a little redder than the last, and their table as it stands."""
    (root / "train-jpg").mkdir(parents=True)
    for number, name in enumerate(tags):
        Image.new("RGB", (SIDE, SIDE), (20 * number, 40, 60)).save(root / "train-jpg" / f"{name}.jpg")
    write_table(root, [f"{name},{text}" for name, text in tags.items()])
    return root


def write_table(root: Path, lines: list[str], end: str = "\n", encoding: str = "utf-8") -> None:
    text = end.join(["image_name,tags", *lines]) + end
    (root / "train_v2.csv").write_bytes(text.encode(encoding))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "planet", {"t0": "clear primary", "t1": "cloudy", "t2": "haze primary water"})


def tags_by_tile(data: Planet) -> dict[str, list[str]]:
    """The tags that each tile's labels say."""
    labels = (data[index]["labels"] for index in range(len(data)))
    return {
        name: [tag for tag, label in zip(data.tags, one, strict=True) if label]
        for name, one in zip(data.names, labels, strict=True)
    }


def test_a_tile_gives_its_pixels_its_labels_and_its_path(drawn_tiles: Path) -> None:
    data = Planet(drawn_tiles)
    path = drawn_tiles / "train-jpg" / "train_3.jpg"
    record = data[3]
    assert (len(data), record["path"]) == (30, str(path))
    assert (record["image"].shape, record["image"].dtype) == ((32, 32, 3), np.uint8)
    with Image.open(path) as tile:
        np.testing.assert_allclose(record["image"], np.array(tile), atol=4)  # two decoders round differently
    assert (record["labels"].shape, record["labels"].dtype) == ((17,), np.float32)


def test_labels_are_those_of_the_table_in_the_order_of_the_constant(drawn_tiles: Path) -> None:
    data = Planet(drawn_tiles)
    assert data.tags == list(PLANET_TAGS) == sorted(PLANET_TAGS)
    assert len(PLANET_TAGS) == 17
    with (drawn_tiles / "train_v2.csv").open() as file:
        rows = list(csv.DictReader(file))
    for index, row in enumerate(rows):
        expected = [0.0] * 17
        for place, tag in enumerate(PLANET_TAGS):
            for tile_tag in row["tags"].split(" "):
                if tile_tag == tag:
                    expected[place] = 1.0
        assert data[index]["labels"].tolist() == expected
    assert data.names == [row["image_name"] for row in rows]


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_tile_of_four_channels_gives_its_fourth_band_too(three: Path, suffix: str) -> None:
    bands = np.random.default_rng(0).integers(256, size=(SIDE, SIDE, 4), dtype=np.uint8)
    for name in ("t0", "t1", "t2"):
        Image.fromarray(bands).save(three / "train-jpg" / f"{name}{suffix}")
    np.testing.assert_array_equal(Planet(three, suffix=suffix, channels=4)[1]["image"], bands)
    (path, *_) = sorted((three / "train-jpg").glob("*.jpg"))
    text = f"{path}: expected 4 channels (RGB and one more), got 3 bands of 8 bits (RGB); convert the file, or set "
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        Planet(three, channels=4)[0]


def test_tiles_come_in_the_order_of_the_table_or_as_named(three: Path) -> None:
    assert Planet(three).names == ["t0", "t1", "t2"]
    some = Planet(three, ["t2", "t0"])
    assert [Path(some[index]["path"]).stem for index in range(len(some))] == ["t2", "t0"]


def test_table_folder_suffix_delimiter_and_columns_are_arguments(three: Path) -> None:
    expected = tags_by_tile(Planet(three))
    (three / "train-jpg").rename(three / "pictures")
    for tile in (three / "pictures").iterdir():
        tile.rename(tile.with_name(f"{tile.stem}_rgb.jpeg"))
    rows = [f"9,{'|'.join(tags)},{name}" for name, tags in expected.items()]
    (three / "labels.csv").write_text("\n".join(["number,what,file", *rows]))
    (three / "train_v2.csv").unlink()
    layout = {"table": "labels.csv", "folder": "pictures", "suffix": "_rgb.jpeg", "delimiter": "|"}
    data = Planet(three, **layout, name_column="file", tag_column="what")
    assert tags_by_tile(data) == expected
    assert data[1]["path"] == str(three / "pictures" / "t1_rgb.jpeg")


def test_tags_come_from_the_constant_the_table_or_a_list(three: Path) -> None:
    expected = tags_by_tile(Planet(three))
    of_table, listed = (
        Planet(three, tags="table"),
        Planet(three, tags=["water", "x", "primary", "haze", "cloudy", "clear"]),
    )
    assert of_table.tags == ["clear", "cloudy", "haze", "primary", "water"]
    assert listed[2]["labels"].tolist() == [1, 0, 1, 1, 0, 0]
    for data in (of_table, listed):
        assert {name: sorted(tags) for name, tags in tags_by_tile(data).items()} == expected
    with pytest.raises(ValueError, match=r"^tags: expected \"planet\", \"table\" or a list of tags, got 'tabel'\.$"):
        Planet(three, tags="tabel")


def test_a_tag_of_tiles_that_were_not_taken_keeps_its_column(three: Path) -> None:
    data = Planet(three, ["t0", "t1"], tags="table")
    assert data.tags == ["clear", "cloudy", "haze", "primary", "water"]
    assert data[0]["labels"].tolist() == [1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("rows", "end", "encoding"),
    [
        (["t0,clear primary", "", "t1,cloudy", "  ", "t2,haze primary water", ",", ""], "\n", "utf-8"),
        (["t0,clear primary", "t1,cloudy", "t2,haze primary water"], "\n", "utf-8-sig"),
        (["t0,clear primary", "t1,cloudy", "t2,haze primary water"], "\r\n", "utf-8-sig"),
        (["t0,clear  primary", "t1, cloudy ", "t2,  haze   primary water"], "\n", "utf-8"),
        (['"t0","clear primary"', "t1,cloudy", 't2,"haze primary water "'], "\n", "utf-8"),
    ],
    ids=["blank lines", "byte order mark", "CRLF and mark", "double and outer spaces", "quotes"],
)
def test_a_table_from_any_editor_says_the_same(three: Path, rows: list[str], end: str, encoding: str) -> None:
    expected = tags_by_tile(Planet(three))
    write_table(three, rows, end, encoding)
    assert tags_by_tile(Planet(three)) == expected
    assert Planet(three, tags="table").tags == ["clear", "cloudy", "haze", "primary", "water"]


def test_delimiters_other_than_a_space_take_spaces_around_them(three: Path) -> None:
    expected = tags_by_tile(Planet(three))
    write_table(three, ["t0,clear; primary", "t1,cloudy;", "t2,haze ;primary;; water"])
    assert tags_by_tile(Planet(three, delimiter=";")) == expected


def test_an_absent_root_or_table_is_named(three: Path) -> None:
    text = f"{three / 'x'}: no such folder; expected train_v2.csv and tiles in it (`triptych make-data planet DIR`"
    with pytest.raises(MissingDataError, match=re.escape(text)):
        Planet(three / "x")
    text = f"{three / 'x.csv'}: no such file; expected a table with the columns image_name,tags."
    with pytest.raises(MissingDataError, match=re.escape(text)):
        Planet(three, table="x.csv")


BAD_TABLES = {
    "no name column": (
        ["name,tags", "t0,clear"],
        "expected a column 'image_name', got name, tags; set name_column to the heading, such as 'name', or write the ",
    ),
    "no tag column": (
        ["image_name,labels,is_valid", "t0,clear,0"],
        "expected a column 'tags', got image_name, labels, is_valid; set tag_column to the heading, or write the ",
    ),
    "no headings": (
        ["t0,clear", "t1,haze"],
        "expected a column 'image_name', got t0, clear; set name_column to the heading, or write the headings into ",
    ),
    "headings alone": (["image_name,tags"], "expected a line of headings and rows below it, got no rows."),
    "nothing at all": ([], "expected a line of headings and rows below it, got no text."),
    "tiles twice": (
        ["image_name,tags", "t0,clear", "t1,clear", "t0,haze", "t1,haze", "t2,haze"],
        "expected each tile once, got 2 repeated; the first is 't0' in lines 2 and 4; put all tags of a ",
    ),
    "no name": (["image_name,tags", "t0,clear", ",haze"], "line 3: expected a name in column 'image_name', got none."),
    "no second field": (
        ["image_name,tags", "t0,clear", "t2"],
        "line 3: expected 2 cells (image_name, tags), got 1 (t2)",
    ),
    "commas without quotes": (
        ["image_name,tags", "t0,clear", "t1,clear,primary", "t2,haze,primary,water"],
        "line 3: expected 2 cells (image_name, tags), got 3 (t1 | clear | primary), and so in 2 of 3 rows; put a cell "
        "that holds ',' in quotes, or use another delimiter in it.",
    ),
    "unknown tag": (
        ["image_name,tags", "t0,clear", "t1,primary claer snow"],
        "line 3: tile 't1' has the unknown tag 'claer' (similar is 'clear'); expected agriculture, artisinal_mine, ",
    ),
}


@pytest.mark.parametrize("mistake", BAD_TABLES)
def test_a_table_that_is_not_in_order_is_refused_with_what_is_wrong(three: Path, mistake: str) -> None:
    rows, text = BAD_TABLES[mistake]
    (three / "train_v2.csv").write_text("\n".join(rows))
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{three / 'train_v2.csv'}: {text}")):
        Planet(three)


def test_a_tile_without_tags_is_a_sample_without_tags_or_refused(three: Path) -> None:
    write_table(three, ["t0,clear", "t1,;", 't2," "'])
    data = Planet(three, delimiter=";")
    assert data[1]["labels"].tolist() == data[2]["labels"].tolist() == [0] * 17
    place = f"{three / 'train_v2.csv'}: 2 of 3 tiles are without tags, all their labels 0; the first is 't1' in line 3."
    assert data.remarks == [place]
    text = "train_v2.csv: 2 tiles have no tags; the first is 't1' in line 3; tag them, or set untagged: \"keep\"."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        Planet(three, delimiter=";", untagged="refuse")
    with pytest.raises(ValueError, match=r"^untagged: expected one of keep, refuse, got 'drop'\.$"):
        Planet(three, delimiter=";", untagged="drop")


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        (
            ["clear", "slash burn"],
            "tags: expected tags that do not hold the delimiter ' ' or spaces around them, got 'slash burn'; set delim",
        ),
        (
            ["clear ", "haze"],
            "tags: expected tags that do not hold the delimiter ' ' or spaces around them, got 'clear '",
        ),
        (["clear", "haze", "clear"], "tags: expected each tag once, got 'clear' 2 times."),
    ],
)
def test_listed_tags_that_no_table_can_hold_are_refused(three: Path, tags: list[str], text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        Planet(three, tags=tags)


def test_a_folder_of_two_formats_is_remarked(three: Path) -> None:
    path = three / "train-jpg" / "t1.jpg"
    path.rename(path.with_suffix(".png"))
    data = Planet(three)
    assert data.remarks == [f"planet: 1 of 3 tiles do not end in '.jpg'; the first is {path.with_suffix('.png')}."]
    assert [Path(data[index]["path"]).suffix for index in range(3)] == [".jpg", ".png", ".jpg"]


def test_some_tiles_are_taken_without_reading_the_table_again(three: Path) -> None:
    data = Planet(three)
    (three / "train_v2.csv").unlink()
    assert tags_by_tile(data.take(["t2", "t0"])) == {"t2": ["haze", "primary", "water"], "t0": ["clear", "primary"]}
    assert len(data) == 3


def test_columns_of_0_and_1_give_what_a_column_of_tags_gives(three: Path) -> None:
    expected = tags_by_tile(Planet(three, tags="table"))
    rows = [
        "filename, clear, cloudy, haze, primary, water, snow",
        "t0.jpg, 1, 0, 0, 1, 0, 0",
        "t1.jpg, 0, 1, 0, 0, 0, 0",
    ]
    (three / "train_v2.csv").write_text("\n".join([*rows, "t2.jpg, 0, 0, 1, 1, 1, 0", ""]))
    data = Planet(three, tags="table")
    assert data.tags == ["clear", "cloudy", "haze", "primary", "snow", "water"]
    assert {name.removesuffix(".jpg"): tags for name, tags in tags_by_tile(data).items()} == expected
    assert data.remarks == [
        f"{three / 'train_v2.csv'}: 6 columns of 0 and 1 are the tags, and 'filename' has the names: clear, cloudy, "
        "haze, primary, water, snow."
    ]
    some = Planet(three, tags=["water", "clear"])
    assert [some[index]["labels"].tolist() for index in range(3)] == [[0, 1], [0, 0], [1, 0]]
    assert some.remarks[0].endswith("has the names: water, clear; no tags are cloudy, haze, primary, snow.")
    with pytest.raises(
        BadSampleError, match=r"train_v2\.csv: a column is the unknown tag 'snow'; expected agriculture, "
    ):
        Planet(three)


def test_an_unknown_tag_says_how_to_take_the_tables(three: Path) -> None:
    write_table(three, ["t0,clear snow"])
    with pytest.raises(BadSampleError, match=r'or set tags: "table" to take the tags of the table\.$'):
        Planet(three)
    assert Planet(three, tags="table").tags == ["clear", "snow"]


def test_names_without_a_file_are_counted_and_the_first_is_named(three: Path) -> None:
    for name in ("t1", "t2"):
        (three / "train-jpg" / f"{name}.jpg").unlink()
    path = three / "train-jpg" / "t1.jpg"
    text = f"planet: 2 of 3 tiles do not exist; the first is {path}; the folder holds 1 .jpg, such as t0.jpg; "
    text += "copy it there, or remove its row."
    with pytest.raises(MissingDataError, match="^" + re.escape(text) + "$"):
        Planet(three)
    with pytest.raises(BadSampleError, match=re.escape("planet: 1 tiles are not in the table; the first is 'nope'.")):
        Planet(three, ["t0", "nope"])


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_jpeg_is_refused_by_name(three: Path, progressive: bool, kept: float) -> None:
    path = three / "train-jpg" / "t1.jpg"
    noise = np.random.default_rng(0).integers(256, size=(256, 256, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, progressive=progressive)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    data = Planet(three)
    assert data[0]["image"].shape == (SIDE, SIDE, 3)
    text = f"{path}: expected an image, but it cannot be decoded; replace the file."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        data[1]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_tiles_become_rgb(three: Path, mode: str) -> None:
    path = three / "train-jpg" / "t1.jpg"
    Image.new("RGB", (SIDE, SIDE), (200, 100, 50)).convert(mode).save(path, quality=95)
    with Image.open(path) as tile:
        assert tile.mode == mode
        expected = np.array(tile.convert("RGB"))
    image = Planet(three)[1]["image"]
    assert image.shape == (SIDE, SIDE, 3)
    np.testing.assert_allclose(image.astype(int), expected, atol=3)
