"""Tables of tags: what was tagged is read, however the table is written, and what looks wrong is said."""

import csv
import random
import re
import warnings
from pathlib import Path

import pytest

from triptych.datasets.tag_table import TagForm, read_tags
from triptych.errors import BadSampleError

TAGS = ["clear", "Road", "water_2", "brumé", "blow-down"]
TWO_WORDS = ["bare ground", "slash burn", "new york's road"]
TRUE, FALSE = ["1", "1.0", "true", "TRUE"], ["0", "0.0", "false", "False"]

Tagged = dict[str, list[str]]


def made_up(rng: random.Random, tags: list[str]) -> Tagged:
    """Tiles with tags, each tag on some tile; the second tile has none."""
    names = [f"{rng.choice(['', 'a/', 'b c/'])}t{number}{rng.choice(['', '.jpg'])}" for number in range(8)]
    tagged = {name: rng.sample(tags, rng.randint(1, len(tags))) for name in names}
    return {**tagged, names[0]: tags, names[1]: []}


def write(path: Path, rng: random.Random, rows: list[list[str]], separator: str) -> None:
    """Writes rows in some dialect."""
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    end, encoding = rng.choice(["\n", "\r\n", "\r"]), rng.choice(["utf-8", "utf-8-sig"])
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)


def padded(rng: random.Random, text: str) -> str:
    """Text with spaces around it, as people leave them."""
    return f"{rng.choice(['', ' ', chr(160)])}{text}{rng.choice(['', ' ', chr(160), '  '])}"


@pytest.mark.parametrize("seed", range(30))
def test_tags_are_read_from_any_dialect_as_they_were_meant(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    delimiter, separator = rng.choice([" ", ",", ";", "|", ", ", " - "]), rng.choice(",;\t|")
    tagged = made_up(rng, TAGS if delimiter == " " else TAGS + TWO_WORDS)
    columns = rng.sample(["image_name", "tags", "remark"], 3)
    cells = [
        {"image_name": name, "tags": delimiter.join(padded(rng, tag) for tag in tags), "remark": rng.choice("a;,")}
        for name, tags in tagged.items()
    ]
    rows = [[padded(rng, one[column]) for column in columns] for one in cells]
    write(tmp_path / "t.csv", rng, [[padded(rng, column) for column in columns], *rows], separator)
    table = read_tags(tmp_path / "t.csv", TagForm(delimiter=delimiter))
    assert table.tags_of == tagged
    assert table.form == ("image_name", "tags", separator, delimiter)
    assert table.tags == sorted({tag for tags in tagged.values() for tag in tags})
    assert list(table.line_of.values()) == [*range(2, 10)]


@pytest.mark.parametrize("seed", range(15))
def test_tags_are_read_from_columns_of_0_and_1_in_any_dialect(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    tagged, separator = made_up(rng, TAGS + TWO_WORDS), rng.choice(",;\t|")
    columns = rng.sample(TAGS + TWO_WORDS, len(TAGS + TWO_WORDS))
    split = [rng.choice("01") for _ in tagged]
    true, false, heading = rng.choice(TRUE), rng.choice(FALSE), rng.choice(["image_name", "filename"])
    rows = [
        ["", name, *(padded(rng, true if tag in tags else false) for tag in columns), part]
        for (name, tags), part in zip(tagged.items(), split, strict=True)
    ]
    split_heading = rng.choice(["is_valid", "part"])
    write(tmp_path / "t.csv", rng, [["", heading, *columns, split_heading], *rows], separator)
    table = read_tags(tmp_path / "t.csv", TagForm(), no_tags=["part"])
    assert {name: {*tags} for name, tags in table.tags_of.items()} == {name: {*tags} for name, tags in tagged.items()}
    assert (table.tags, table.form) == (sorted(columns), (heading, None, separator, " "))
    assert table.unused == [split_heading]
    assert table.column(split_heading, "valid_column") == dict(zip(tagged, split, strict=True))


BAD_FLAGS = {
    "another number": (
        "image_name,clear,road\nt0,1,0\nt1,0,2\nt2,1,1\n",
        "line 3: expected 0 or 1 in column 'road', got '2'",
    ),
    "an empty cell": ("image_name,clear,road\nt0,1,0\nt1,,1\n", "line 3: expected 0 or 1 in column 'clear', got ''; "),
    "a column of numbers": (
        "image_name,clear,area\nt0,1,7.5\n",
        "line 2: expected 0 or 1 in column 'area', got '7.5'; correct it, list the columns that are tags in tags, or ",
    ),
    "no headings": (
        "t0,1,0\nt1,0,1\n",
        "expected the names of tags as headings, got 1, 0; write the headings into the first line.",
    ),
    "crosses": (
        "image_name,clear,road\nt0,x,\nt1,,x\n",
        "expected a column 'tags', got image_name, clear, road; set tag_column to the heading, or write the headings "
        "into the first line. If each tag is a column, its cells must be 0 or 1.",
    ),
    "two columns of text": (
        "file,place,clear\nt0,x,1\n",
        "expected a column 'image_name', got file, place, clear; set name_column to the heading, or ",
    ),
    "only a column of the split": (
        "image_name,labels,is_valid\nt0,clear,1\n",
        "expected a column 'tags', got image_name, labels, is_valid; set tag_column to the heading, ",
    ),
}


@pytest.mark.parametrize("mistake", BAD_FLAGS)
def test_columns_that_are_not_0_and_1_are_refused(tmp_path: Path, mistake: str) -> None:
    data, text = BAD_FLAGS[mistake]
    path = tmp_path / "t.csv"
    path.write_text(data)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        read_tags(path, TagForm())


def test_a_list_takes_columns_of_0_and_1_out_of_others(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("image_name,clear,area,road,is_valid\nt0,1,7.5,1,0\nt1,0,2,1,1\n")
    table = read_tags(path, TagForm(), listed=["road", "clear"])
    assert (table.tags_of, table.headings) == ({"t0": ["road", "clear"], "t1": ["road"]}, ["road", "clear"])
    text = (
        "expected a column for each of tags, got none for 'raod'; similar is 'road'; the columns are image_name, clear"
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        read_tags(path, TagForm(), listed=["clear", "raod"])


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("['clear', \"farmer's field\"]", ["clear", "farmer's field"]),
        ('["clear", "slash burn"]', ["clear", "slash burn"]),
        ("['clear' 'slash burn']", ["clear", "slash burn"]),  # NumPy's text of an array
        ("[clear, farmer's field]", ["clear", "farmer's field"]),
        ("[]", []),
    ],
)
@pytest.mark.parametrize("delimiter", [" ", ",", "|"])
def test_a_list_in_a_cell_is_read_as_one(cell: str, tags: list[str], delimiter: str) -> None:
    assert TagForm(delimiter=delimiter).split(cell) == tags


def test_an_index_that_pandas_has_named_is_no_tag(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Unnamed: 0,image_name,clear,road\n0,t0,1,0\n1,t1,0,1\n")
    assert read_tags(tmp_path / "t.csv", TagForm()).tags_of == {"t0": ["clear"], "t1": ["road"]}


SUSPECT = {
    "unsplit": (
        [("t0", "clear"), ("t1", "clear|road"), ("t2", "haze|water")],
        ",",
        "2 of 3 tiles have a tag with '|' in it; the first is 'clear|road' of 't1'; set delimiter to '|' if it ",
    ),
    "split at spaces": (
        [("t0", "clear, slash burn"), ("t1", "haze, road")],
        " ",
        "2 of 2 tiles have a tag with ',' in it; the first is 'clear,' of 't0'; set delimiter to ',' if it separates ",
    ),
    "sets": (
        [("t0", "{'clear', 'road'}"), ("t1", "{'haze', 'road'}")],
        ",",
        "2 of 2 tiles have a tag with '{' in it; the first is \"{'clear'\" of 't0'; write the tags alone, without ",
    ),
    "empty cells of a program": (
        [("t0", "clear"), ("t1", "nan"), ("t2", "None")],
        " ",
        "2 of 3 tiles have a tag that probably means none, and it is learned like any other; the first is 'nan' of ",
    ),
    "case": (
        [("t0", "Clear"), ("t1", "clear road"), ("t2", "clear")],
        " ",
        "1 tags are spelled in several ways, and each spelling is a tag of its own: 'Clear' (1 tiles, first 't0') and "
        "'clear' (2 tiles, first 't1'); correct the table if they are one.",
    ),
    "spaces and underscores": (
        [("t0", "slash burn,road"), ("t1", "slash_burn"), ("t2", "road, Slash-Burn")],
        ",",
        "1 tags are spelled in several ways, and each spelling is a tag of its own: 'Slash-Burn' (1 tiles, first ",
    ),
}


@pytest.mark.parametrize("kind", SUSPECT)
def test_tags_that_look_wrong_are_warned_of_with_counts_and_the_first_tile(tmp_path: Path, kind: str) -> None:
    rows, delimiter, text = SUSPECT[kind]
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image_name", "tags"), *rows])
    with pytest.warns(UserWarning, match="^" + re.escape(f"{path}: {text}")) as caught:
        _ = [read_tags(path, TagForm(delimiter=delimiter)) for _ in range(3)]
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("cells", "delimiter"),
    [
        (["Paris, France|London, UK", "Paris, France"], "|"),
        (["Paris, France", "London", ""], "|"),
        *((["a b", "c d"], ","), (["x_1 x1b", "y"], " "), ([""], " ")),
    ],
)
def test_tags_that_may_be_meant_are_not_warned_of(tmp_path: Path, cells: list[str], delimiter: str) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image_name", "tags"), *((f"t{i}", cell) for i, cell in enumerate(cells))])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_tags(path, TagForm(delimiter=delimiter))
    assert caught == []


@pytest.mark.parametrize("form", [TagForm(), TagForm("file", "what", ";", ", "), TagForm("file", None, "\t")])
def test_a_form_writes_what_it_reads(tmp_path: Path, form: TagForm) -> None:
    tags = TAGS if form.delimiter == " " and form.tag_column else TAGS + TWO_WORDS
    tagged = made_up(random.Random(0), tags)
    with (tmp_path / "t.csv").open("w", newline="") as file:
        rows = [form.cells(name, chosen, tags) for name, chosen in tagged.items()]
        csv.writer(file, delimiter=form.separator).writerows([form.header(tags), *rows])
    table = read_tags(tmp_path / "t.csv", form._replace(tag_column=form.tag_column or "tags"))
    assert table.form == form
    assert {name: {*found} for name, found in table.tags_of.items()} == {name: {*of} for name, of in tagged.items()}


def test_a_form_takes_another_delimiter_for_tags_that_hold_its_own() -> None:
    assert TagForm().for_tags(["clear", "road"]) == TagForm()
    assert TagForm().for_tags(["clear", "slash burn"]).delimiter == ","
    assert TagForm(delimiter=",").for_tags(["a b", "c, d"]).delimiter == ";"
    assert TagForm(tag_column=None).for_tags(["a b", "c,d"]) == TagForm(tag_column=None)
