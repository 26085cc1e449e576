"""A vocabulary: by frequency, its own inverse, and a file of plain data."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from triptych.errors import BadSampleError, MissingDataError
from triptych.text import PAD_ID, SPECIAL, UNK_ID, Vocab


def made_up(rng: random.Random) -> list[list[str]]:
    words = [f"w{i}" for i in range(30)] + ["xxmaj", "\n", "é"]
    return [["xxbos", *rng.choices(words, weights=range(1, 34), k=rng.randint(0, 40))] for _ in range(20)]


@pytest.mark.parametrize("seed", range(10))
def test_the_vocabulary_is_by_frequency_and_of_equal_ones_the_first_seen(seed: int) -> None:
    texts = made_up(random.Random(seed))
    seen = [token for tokens in texts for token in tokens]
    counts = Counter(seen)
    vocab = Vocab.of(texts, min_freq=3)
    words = sorted(
        {token for token in seen if counts[token] >= 3} - {*SPECIAL}, key=lambda one: (-counts[one], seen.index(one))
    )
    assert vocab.itos == (*SPECIAL, *words)
    assert (vocab.itos[UNK_ID], vocab.itos[PAD_ID]) == ("xxunk", "xxpad")
    assert Vocab.of(texts, max_vocab=12, min_freq=3).itos == vocab.itos[:12]


def test_the_order_of_the_texts_moves_only_equally_frequent_tokens() -> None:
    rng = random.Random(0)
    texts = made_up(rng)
    counts = Counter(token for tokens in texts for token in tokens)
    vocab = Vocab.of(texts)
    rng.shuffle(texts)
    again = Vocab.of(texts)
    assert {*again.itos} == {*vocab.itos}
    assert [counts[token] for token in again.itos[7:]] == [counts[token] for token in vocab.itos[7:]]


@pytest.mark.parametrize("seed", range(5))
def test_known_tokens_come_back_from_their_ids(seed: int) -> None:
    texts = made_up(random.Random(seed))
    vocab = Vocab.of(texts, min_freq=1)
    for tokens in texts:
        assert vocab.tokens(vocab.numericalize(tokens)) == tokens
    assert vocab.numericalize(["never seen", "xxunk", "xxpad"]) == [0, 0, 1]


def test_a_saved_vocabulary_is_a_plain_list_and_comes_back(tmp_path: Path) -> None:
    vocab = Vocab.of([["xxbos", "\n", "é", '"', "日本", "a"]], min_freq=1)
    vocab.save(tmp_path / "vocab.json")
    assert json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8")) == list(vocab.itos)
    assert Vocab.read(tmp_path / "vocab.json") == vocab
    assert [path.name for path in tmp_path.iterdir()] == ["vocab.json"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected a JSON list of tokens in UTF-8, got no JSON (Expecting value: line 1 column 1 (char 0))."),
        ('["é"]'.encode("latin1"), "expected a JSON list of tokens in UTF-8, got no JSON ('utf-8' codec can't decode"),
        (b"[" * 100_000, "expected a JSON list of tokens in UTF-8, got no JSON ("),
        (b'{"a": 1}', "expected a JSON list of tokens, got {'a': 1}."),
        (b'["xxunk", 1]', "vocab: expected a list of tokens, got ['xxunk', 1]."),
        (b'["the", "a"]', "vocab: expected the tokens xxunk, xxpad, xxbos first, got ['the', 'a']."),
        (b'["xxunk", "xxpad", "xxbos", "a", "b", "b"]', "vocab: expected each token once, got 'b' 2 times."),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    (path := tmp_path / "vocab.json").write_bytes(content)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        Vocab.read(path)


def test_an_absent_file_is_missing_data(tmp_path: Path) -> None:
    text = f"{tmp_path / 'vocab.json'}: no such file; expected a vocabulary, a JSON list of tokens."
    with pytest.raises(MissingDataError, match="^" + re.escape(text)):
        Vocab.read(tmp_path / "vocab.json")


def test_limits_that_leave_no_word_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^max_vocab: expected more than the 7 special tokens, got 7\.$"):
        Vocab.of([["a"]], max_vocab=7)
    with pytest.raises(ValueError, match=r"^min_freq: expected 1 or more, got 0\.$"):
        Vocab.of([["a"]], min_freq=0)
