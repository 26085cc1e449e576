"""Faults of a table of texts: each is found once, and named with its rows."""

import csv
from pathlib import Path

import pytest
from examined import faults, only

from triptych import IMDBDataModule
from triptych.doctor import examine
from triptych.doctor.examine import findings_of, read_inventory
from triptych.doctor.page import finding_page

SOUND = [
    ("negative", "It was not good at all.", "False"),
    ("positive", "It was not bad at all.", "False"),
    ("negative", "A bore, and far too long.", "False"),
    ("positive", "I loved it.", "True"),
    ("negative", "I hated it.", "True"),
]
Row = tuple[str, str, str]


def data(folder: Path, rows: list[Row], **arguments: object) -> IMDBDataModule:
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("label", "text", "is_valid"), *rows])
    return IMDBDataModule(str(folder), **arguments)  # type: ignore[arg-type]


def test_sound_texts_have_notes_alone_about_labels_and_lengths(tmp_path: Path) -> None:
    notes = {finding.kind: finding.message for finding in examine(data(tmp_path, SOUND))}
    assert notes == {
        "labels-frequency": "2 of 2 labels occur; of all texts: negative 60.0 %, positive 40.0 %.",
        "labels-balance": "train (3 texts): negative 66.7 %, positive 33.3 %; "
        "val (2 texts): negative 50.0 %, positive 50.0 %.",
        "lengths": "5 texts of 3 to 6 words, median 6.",
    }


@pytest.mark.parametrize(
    ("row", "level", "kind", "why"),
    [
        (("positive", "", "True"), "error", "empty-text", "no text"),
        (("", "Fine.", "True"), "error", "no-label", "no label"),
        (
            ("negative", "it WAS not  good at all.", "yes"),
            "error",
            "duplicates-across",
            "same words as texts.csv, row 1",
        ),
        (("positive", "I loved it.", "1"), "warning", "duplicates", "same words as texts.csv, row 4"),
        (("positive", "Fine.", "maybe"), "error", "split-value", "'maybe'"),
        (("positive", "caf\u00c3\u00a9 scenes", "0"), "warning", "encoding", "'caf\u00c3\u00a9 scenes'"),
        (("positive", "so <sigh> long", "0"), "warning", "html", "<sigh>"),
        (("positive", "<br />It&#39;s <b>fine</b>", "0"), "", "", ""),
        (("positive", "word " * 10_001, "0"), "warning", "very-long", "10001 words"),
    ],
)
def test_a_fault_is_found_with_its_row(tmp_path: Path, row: Row, level: str, kind: str, why: str) -> None:
    examined = data(tmp_path, [*SOUND, row])
    if not kind:
        assert faults(examined) == {}
        return
    found = only(examined)
    assert (found.level, found.kind, dict(found.files)) == (level, kind, {"texts.csv, row 6": why})


def test_the_same_text_with_two_labels_contradicts_itself(tmp_path: Path) -> None:
    found = faults(data(tmp_path, [*SOUND, ("positive", SOUND[0][1], "False")]))
    assert {*found} == {"duplicates", "contradictions"}
    assert dict(found["contradictions"].files) == {"texts.csv, row 6": "positive, as texts.csv, row 1 is negative"}


def test_a_label_that_validates_alone_and_a_single_label_are_reported(tmp_path: Path) -> None:
    found = faults(data(tmp_path, [*SOUND, ("mixed", "So so.", "True")]))
    assert found["labels-untrained"].message == "labels that occur in the validation samples alone: mixed."
    assert "'mixed' in texts.csv, row 6" in found["setup"].message
    found = faults(data(tmp_path, [("good", text, split) for _, text, split in SOUND]))
    assert found["one-label"].message == "all 5 texts have the label 'good'."


def test_what_the_reader_refuses_is_told_and_a_missing_column_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_bytes("label,text,is_valid\nnegative,caf\u00e9,0\n".encode("latin-1"))
    found = only(IMDBDataModule(str(tmp_path)))
    assert found.kind == "table" and "expected text in UTF-8, got byte 0xe9" in found.message
    found = only(data(tmp_path, [*SOUND, ("positive", "", "True")], label_column="stars"), "empty-text")
    assert found.kind == "label-column" and "expected a column 'stars', got label, text, is_valid" in found.message


def test_a_language_model_needs_no_labels_and_a_drawn_split_is_examined(tmp_path: Path) -> None:
    rows = [("", text, "") for _, text, _ in SOUND]
    assert faults(data(tmp_path, rows, mode="lm", split_column=None, valid_fraction=0.4)) == {}
    drawn = read_inventory(data(tmp_path, SOUND, split_column=None, valid_fraction=0.4))
    module = data(tmp_path, SOUND, split_column=None, valid_fraction=0.4)
    module.find()
    assert drawn.splits["val"] == [record["path"] for record in module._texts["val"]]


def test_the_page_shows_how_the_texts_begin_and_escapes_them(tmp_path: Path) -> None:
    inventory = read_inventory(data(tmp_path, [*SOUND, ("positive", "so <sigh> long " + "very " * 200, "0")]))
    page = finding_page(findings_of(inventory), inventory)
    assert "so &lt;sigh&gt; long very" in page and "very…" in page.replace("very …", "very…")
    assert page.count("very") < 100
