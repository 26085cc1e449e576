"""Texts to predict: a file, a folder, a table or a sentence, and one line for what is none."""

import re
from pathlib import Path

import pytest

from triptych.datasets.given_texts import texts_at
from triptych.errors import BadSampleError, MissingDataError

EXPECTED = "expected a .txt file of one text, a folder of such files, a table (.csv or .tsv), or a sentence"


def given(source: str | Path) -> list[tuple[str, str]]:
    records = texts_at(source)
    assert all(record["label"] is None for record in records)
    return [(record["text"], record["path"]) for record in records]


def test_a_file_is_one_text(tmp_path: Path) -> None:
    (path := tmp_path / "a.TXT").write_text("\ufeffOne.\nTwo.\n", encoding="utf-8")
    assert given(path) == given(str(path)) == [("One.\nTwo.", str(path))]


def test_a_folder_gives_its_text_files_in_order_without_what_systems_leave(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    for name in ("b.txt", "pos/a.txt", "a.txt", "._a.txt", "a.md"):
        (tmp_path / name).write_text(f"In {name}.")
    assert [text for text, _ in given(tmp_path)] == ["In a.txt.", "In b.txt.", "In pos/a.txt."]


def test_a_table_needs_only_texts(tmp_path: Path) -> None:
    (path := tmp_path / "t.csv").write_text('text\n"One, two."\nThree.\n')
    assert given(path) == [("One, two.", "t.csv, row 1"), ("Three.", "t.csv, row 2")]


@pytest.mark.parametrize(
    "sentence", ["A good film.", "good", "10/10 for it!", "n\x00l", "word " * 1_000 + "end", "café, naïve", "one\ntwo"]
)
def test_a_sentence_is_itself(sentence: str) -> None:
    assert given(sentence) == [(sentence, "the sentence")]


@pytest.mark.parametrize("name", ["none.txt", "my film.csv", "data/none", "data\\none"])
def test_a_path_to_nothing_is_no_sentence(name: str) -> None:
    with pytest.raises(MissingDataError, match="^" + re.escape(f"{name}: no such file or folder; {EXPECTED}.") + "$"):
        texts_at(name)


def test_a_folder_without_texts_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path}: expected .txt files, got no files.")):
        texts_at(tmp_path)
    (tmp_path / "a.png").touch()
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path}: expected .txt files, got 1 .png.")):
        texts_at(tmp_path)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "a.txt").write_text(" \n")
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: expected a text, got white space.") + "$"):
        texts_at(path)
    with pytest.raises(BadSampleError, match=r"^the sentence: expected a text, got nothing\.$"):
        texts_at("")


def test_another_file_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {EXPECTED}, got a file that ends in '.png'.")):
        texts_at(path)
