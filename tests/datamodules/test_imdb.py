"""Tables of texts as data for a language model and a classifier."""

import csv
from pathlib import Path

import pytest
import torch

from triptych import IMDBDataModule
from triptych.errors import BadSampleError, MissingDataError
from triptych.models import text_classifier_network
from triptych.text import PAD_ID, Vocab

ROWS = [
    ("good", "A fine film.", "False"),
    ("bad", "A dull film.", "False"),
    ("good", "I liked it.", "True"),
]


def _table(folder: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("label", "text", "is_valid")) -> str:
    with (folder / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return str(folder)


def test_a_batch_holds_what_the_table_says(tmp_path: Path) -> None:
    data = IMDBDataModule(_table(tmp_path, ROWS), min_freq=1, batch_size=2)
    data.setup("fit")
    assert data.metadata["categories"] == ["bad", "good"]
    assert data.metadata["vocab_size"] == len(data.vocab)
    (batch,) = data.train_dataloader()
    for tokens, size, category, path in zip(
        *(batch[key] for key in ("tokens", "size", "category", "path")), strict=True
    ):
        row = int(path.removeprefix("texts.csv, row ")) - 1
        label, text, _ = ROWS[row]
        words = text.lower().replace(".", " .").split()
        assert [t for t in data.vocab.tokens(tokens[:size].tolist()) if not t.startswith("xx")] == words
        assert data.metadata["categories"][category] == label
    (valid,) = data.val_dataloader()
    assert valid["path"] == ["texts.csv, row 3"]


def test_a_fraction_takes_the_place_of_the_column(drawn_reviews: Path) -> None:
    parts = []
    for seed in (0, 0, 1):
        data = IMDBDataModule(str(drawn_reviews), valid_fraction=0.25, seed=seed)
        data.setup("fit")
        parts.append(data.parts)
        assert len(data.parts.val) == 13
        assert {*data.parts.train}.isdisjoint(data.parts.val)
        assert len(data.parts.train) + len(data.parts.val) == 52
    assert parts[0] == parts[1]
    assert parts[0].val != parts[2].val
    with pytest.raises(ValueError, match=r"^split_column, valid_fraction: expected one way to split, got 2; "):
        IMDBDataModule(str(drawn_reviews), split_column="part", valid_fraction=0.25)


def test_a_language_model_needs_no_labels(tmp_path: Path) -> None:
    rows = [row[1:] for row in ROWS]
    data = IMDBDataModule(_table(tmp_path, rows, ("text", "is_valid")), mode="lm", batch_size=2, seq_len=3)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert torch.equal(batch["next"][:, :-1], batch["tokens"][:, 1:])
    assert "categories" not in data.metadata


def test_a_vocabulary_is_taken_from_a_file(drawn_reviews: Path, tmp_path: Path) -> None:
    vocab = Vocab.of([["xxbos", "film"]], min_freq=1)
    vocab.save(tmp_path / "vocab.json")
    data = IMDBDataModule(str(drawn_reviews), vocab=str(tmp_path / "vocab.json"))
    data.setup("fit")
    assert data.vocab == vocab
    assert all(int(batch["tokens"].max()) < len(vocab) for batch in data.train_dataloader())


def test_a_sentence_is_predicted_with_a_vocabulary_alone(tmp_path: Path) -> None:
    Vocab.of([["xxbos", "good", "film"]], min_freq=1).save(tmp_path / "vocab.json")
    data = IMDBDataModule("absent", vocab=str(tmp_path / "vocab.json"), predict_path="Good film")
    data.setup("predict")
    (batch,) = data.predict_dataloader()
    assert data.vocab.tokens(batch["tokens"][0].tolist())[-1] == "film"
    assert batch["path"] == ["the sentence"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "both"}, r"^mode: expected one of lm, classify, got 'both'\.$"),
        ({"split_column": None}, r"^split_column: expected a way to split, got none; set it, or valid_fraction\.$"),
        ({"valid_fraction": 1.5}, r"^valid_fraction: expected a fraction between 0 and 1, got 1\.5\.$"),
        ({"seq_len": 0}, r"^seq_len: expected at least 1, got 0\.$"),
        ({"mode": "lm", "sample_weights": "x.csv"}, r"^sample_weights: expected none in mode lm, .* got x\.csv\.$"),
    ],
)
def test_arguments_out_of_range_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        IMDBDataModule("absent", **options)  # type: ignore[arg-type]


def test_data_that_are_missing_or_wrong_end_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"^absent: no such folder; expected texts\.csv in it \(`triptych make-"):
        IMDBDataModule("absent").setup("fit")
    root = _table(tmp_path, [*ROWS, ("odd", "Odd.", "True")])
    with pytest.raises(BadSampleError, match=r"expected only labels that occur in training \(bad, good\), got 'odd'"):
        IMDBDataModule(root).setup("fit")
    root = _table(tmp_path, ROWS)
    with pytest.raises(BadSampleError, match=r"expected a column 'review', got label, text, is_valid; set text_column"):
        IMDBDataModule(root, text_column="review").setup("fit")


def test_the_network_knows_the_id_of_padding() -> None:
    assert text_classifier_network.PAD_ID == PAD_ID


def test_a_batch_is_drawn_for_both_modes(drawn_reviews: Path) -> None:
    for mode in ("lm", "classify"):
        figure = IMDBDataModule(str(drawn_reviews), mode=mode, batch_size=4).show_batch(1, 3)  # type: ignore[arg-type]
        assert len(figure.texts) + sum(len(axes.texts) for axes in figure.axes) > 3
