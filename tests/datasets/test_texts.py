"""Tables of texts: what is read, and each bad input as one line with its row."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from triptych.datasets.text_checks import categories_of, warn_of_leaks
from triptych.datasets.texts import TextRecord, TextRecords
from triptych.errors import BadSampleError, MissingDataError

HEADER = ("label", "text", "is_valid")
ROWS = [
    ("negative", "Bad, really.", "False"),
    ("positive", 'A "good"\nfilm; yes', "False"),
    ("positive", "42", "True"),
]


def written(tmp_path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    path = tmp_path / "texts.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_a_table_gives_each_text_with_its_row_label_and_split(tmp_path: Path) -> None:
    records = TextRecords(written(tmp_path, ROWS))
    assert [*records] == [
        {"text": "Bad, really.", "path": "texts.csv, row 1", "label": "negative"},
        {"text": 'A "good"\nfilm; yes', "path": "texts.csv, row 2", "label": "positive"},
        {"text": "42", "path": "texts.csv, row 3", "label": "positive"},
    ]
    assert records.of("train") == records.records[:2]
    assert records.of("val") == records.records[2:]


def test_columns_that_are_not_asked_for_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path, [("", "One.", "maybe"), ("", "Two.", "")])
    records = TextRecords(path, label_column=None, split_column=None)
    assert [(record["text"], record["label"]) for record in records] == [("One.", None), ("Two.", None)]


@pytest.mark.parametrize(
    "values", [("False", "TRUE", "true"), ("0", "1", "1.0"), ("no", "yes", "Yes"), ("train", "valid", "val")]
)
def test_a_column_splits_by_any_pair_of_words(tmp_path: Path, values: tuple[str, ...]) -> None:
    rows = [(label, text, value) for (label, text, _), value in zip(ROWS, values, strict=True)]
    assert TextRecords(written(tmp_path, rows)).splits == ["train", "val", "val"]


def test_a_text_of_a_hundred_thousand_words_is_read(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    text = " ".join(["film, good"] * 50_000)
    records = TextRecords(written(tmp_path, [*ROWS, ("positive", text, "False")]))
    assert records[3]["text"] == text
    assert csv.field_size_limit() == before


def test_a_table_of_windows_with_semicolons_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_bytes(b'\xef\xbb\xbflabel;text;is_valid\r\na;Bad, really;0\r\n\r\nb;"x; y";1\r\n')
    records = TextRecords(path)
    assert [(record["text"], record["path"]) for record in records] == [
        ("Bad, really", "texts.csv, row 1"),
        ("x; y", "texts.csv, row 2"),
    ]


BAD = {
    "no text": (
        [*ROWS, ("positive", " \n ", "True"), ("positive", "\u200b", "True")],
        "row 4 (line 6): expected a text in column 'text', got none, and so in 2 of 5 rows; complete or remove them.",
    ),
    "no label": (
        [("", "Fine.", "True"), *ROWS],
        "row 1 (line 2): expected a label in column 'label', got none, and so in 1 of 4 rows; complete or remove them.",
    ),
    "a value that splits nothing": (
        [*ROWS, ("positive", "Fine.", "maybe")],
        "row 4 (line 6): expected true or false, 1 or 0, yes or no, or train, valid or test in column 'is_valid', got "
        "'maybe'.",
    ),
    "an empty value of the split": (
        [*ROWS, ("positive", "Fine.", "")],
        "row 4 (line 6): expected true or false, 1 or 0, yes or no, or train, valid or test in column 'is_valid', got "
        "''.",
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_a_bad_row_is_refused_with_its_row_and_line(tmp_path: Path, mistake: str) -> None:
    rows, text = BAD[mistake]
    path = written(tmp_path, rows)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}") + "$"):
        TextRecords(path)


@pytest.mark.parametrize(("value", "purpose"), [("False", "validate"), ("True", "train on")])
def test_a_single_split_is_refused(tmp_path: Path, value: str, purpose: str) -> None:
    path = written(tmp_path, [("a", "One.", value), ("b", "Two.", value)])
    text = (
        f"{path}: expected texts to {purpose} in column 'is_valid', got only {value} in 2 rows; correct the column, or "
        "set valid_fraction."
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(text) + "$"):
        TextRecords(path)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS, ("label", " Text ", "is_valid"))
    text = (
        f"{path}: expected a column 'text', got label, Text, is_valid; set text_column to the heading, such as 'Text'"
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        TextRecords(path)


LONG = "word " * 1_000
NO_TABLE = {
    "unquoted commas": (
        f"label,text,is_valid\na,Bad, really: {LONG},0\n".encode(),
        f"line 2: expected 3 cells (label, text, is_valid), got 4 (a | Bad | really: {LONG[:32]}… | 0), and so in 1 of "
        "1 rows; put a cell that holds ',' in quotes, or use another delimiter in it.",
    ),
    "a cell without heading": (
        f"label,text,\na,Bad,{LONG}\n".encode(),
        f"line 2: expected a heading for column 3, which holds '{LONG[:40]}…', got none; write one, or ",
    ),
    "cp1252": (
        "label,text,is_valid\na,café,0\n".encode("cp1252"),
        "expected text in UTF-8, got byte 0xe9 at position 25 (line 2); save it as UTF-8.",
    ),
    "UTF-16": (
        "label,text,is_valid\n".encode("utf-16"),
        "expected text in UTF-8, got byte 0xff at position 0 (line 1); save it as UTF-8.",
    ),
    "NUL": (
        b"label,text,is_valid\na,b\x00c,0\n",
        "expected text in UTF-8, got byte 0x00 at position 23 (line 2); save it as UTF-8.",
    ),
    "an empty table": (b"", "expected a line of headings and rows below it, got no text."),
    "headings alone": (b"label,text,is_valid\n", "expected a line of headings and rows below it, got no rows."),
}


@pytest.mark.parametrize("mistake", NO_TABLE)
def test_what_is_no_table_is_one_line_whatever_the_length_of_its_texts(tmp_path: Path, mistake: str) -> None:
    data, text = NO_TABLE[mistake]
    (path := tmp_path / "texts.csv").write_bytes(data)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        TextRecords(path)


def test_an_absent_table_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'texts.csv'}: no such file; expected a table.")):
        TextRecords(tmp_path / "texts.csv")


def labelled(*labels: str, text: str = "text {}") -> list[TextRecord]:
    return [
        TextRecord(text=text.format(i), path=f"texts.csv, row {i}", label=label) for i, label in enumerate(labels, 1)
    ]


def test_the_categories_are_the_labels_of_the_texts_to_train_on() -> None:
    assert categories_of(labelled("b", "a", "b"), labelled("a"), "texts.csv") == ["a", "b"]


def test_a_label_only_in_validation_is_named() -> None:
    text = (
        "texts.csv: expected only labels that occur in training (a, b), got 'c' in texts.csv, row 2, and so for 2 of 3 "
        "texts that are held out; correct them, or split in another way."
    )
    with pytest.raises(BadSampleError, match="^" + re.escape(text) + "$"):
        categories_of(labelled("a", "b"), labelled("a", "c", "d"), "texts.csv")


def test_one_label_is_refused() -> None:
    text = "texts.csv: expected at least 2 labels among the 2 texts to train on, got a."
    with pytest.raises(BadSampleError, match="^" + re.escape(text) + "$"):
        categories_of(labelled("a", "a"), labelled("a", "b"), "texts.csv")


def test_texts_in_both_splits_are_one_warning_with_their_number() -> None:
    train, held_out = labelled("a", "b", "a"), labelled("a", "b", text="Text   {}") + labelled("a", text="another {}")
    text = (
        "texts.csv: 2 of 3 texts that are held out are trained on too, so scores will be too good; the first is "
        "texts.csv, row 1, the same as texts.csv, row 1; remove one of each."
    )
    with pytest.warns(UserWarning, match="^" + re.escape(text) + "$") as caught:
        warn_of_leaks(train, held_out, "texts.csv")
    assert len(caught) == 1
    warn_of_leaks(train, labelled("a", text="another {}"), "texts.csv")
