"""Tokens: the lesson's examples, the same from rules as data, and a text that is none lost of."""

import itertools
import json
import pickle
import random
import re
import subprocess
import sys
from typing import Any

import pytest

from triptych.text import BOS, SPECIAL, Tokenizer
from triptych.text.rules import prepared

WORDS = [
    "film",
    "didn't",
    "well-made",
    "(good)",
    '"Why?"',
    "U.S.",
    "10",
    "it's",
    "café",
    "A",
    "the",
    ":)",
    "e.g.",
    "$5",
]


@pytest.fixture(scope="module")
def english() -> Tokenizer:
    return Tokenizer.english()


def of(text: str) -> list[str]:
    return text.split(" ")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("didn't", "xxbos did n't"),
        (
            "Raising Victor Vargas: A Review<br /><br />You know",
            "xxbos xxmaj raising xxmaj victor xxmaj vargas : a xxmaj review \n \n xxmaj you know",
        ),
        ("DON'T we'Re it's", "xxbos xxup do xxup n't we'Re it 's".lower()),
        ("NEVER EVER!!!!", "xxbos xxup never xxup ever xxrep 4 !"),
        ("", "xxbos"),
        ("xxpad xxbos", "xxbos xxunk xxunk"),
        ("caf\udce9", "xxbos caf \ufffd"),  # as Python reads an argument that is no UTF-8
    ],
)
def test_the_examples_of_the_lesson(english: Tokenizer, text: str, tokens: str) -> None:
    assert english(text) == of(tokens)


def made_up(seed: int) -> str:
    rng = random.Random(seed)
    parts = [rng.choice(WORDS) + rng.choice(["", "", ".", ",", "!", "..."]) for _ in range(rng.randint(1, 60))]
    return "".join(part + rng.choice([" ", " ", "  ", "\n", "<br />"]) for part in parts)


@pytest.mark.parametrize("seed", range(30))
def test_the_tokens_are_the_text_in_lower_case_without_white_space(english: Tokenizer, seed: int) -> None:
    text = made_up(seed)
    plain = "".join(token for token in english(text) if token not in SPECIAL)
    lines = "\n".join(prepared(text)).lower().replace(" ", "")
    assert plain == re.sub("|".join(SPECIAL), "", lines)


def test_rules_as_json_split_as_those_of_spacy(english: Tokenizer) -> None:
    again = Tokenizer.from_rules(json.loads(json.dumps(english.rules)))
    texts = [made_up(seed) for seed in range(200)]
    assert again.many(texts) == english.many(texts) == [english(text) for text in texts]
    assert pickle.loads(pickle.dumps(again))(texts[0]) == english(texts[0])


def test_the_order_of_the_texts_changes_no_token(english: Tokenizer) -> None:
    texts = [made_up(seed) for seed in range(50)]
    assert Tokenizer(english.rules).many(texts[::-1])[::-1] == english.many(texts)


def test_spacy_is_made_anew_before_it_holds_too_many_words(english: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triptych.text.tokenizer._MOST_WORDS", 1_000)
    limited = Tokenizer(english.rules)
    for letters in itertools.permutations("abcde", 4):
        words = [f"{''.join(letters)}{last}" for last in "hijklmno"]
        assert limited(" ".join(words)) == [BOS, *words]
        assert len(limited._of_spacy.vocab) < 1_200


@pytest.mark.parametrize("text", ["()" * 20_000, "word " * 100_000, "日本" * 20_000, "a.b,c-d" * 20_000])
def test_a_long_text_is_split_in_bounded_time(english: Tokenizer, text: str) -> None:
    """A word of 8,000 parentheses alone takes spaCy 12 seconds."""
    assert max(map(len, english(text))) <= 100


def bad(key: str, value: Any) -> dict[str, Any]:
    return {"exceptions": {}, "prefix": "", "suffix": "", "infix": "", "url": ""} | {key: value}


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"prefix": ""}, "rules: expected the keys exceptions, infix, prefix, suffix, url, got prefix."),
        (
            bad("more", 1),
            "rules: expected the keys exceptions, infix, prefix, suffix, url, got exceptions, infix, more",
        ),
        (
            bad("infix", "("),
            "rules: expected a regular expression as infix, got '(' (missing ), unterminated subpattern",
        ),
        (bad("url", None), "rules: expected a regular expression as url, got None (first argument must be string or "),
        (bad("exceptions", [1]), "rules: expected a mapping of texts to their tokens as exceptions, got [1]."),
        (
            bad("exceptions", {"ab": ["a", "c"]}),
            "rules: expected as exception 'ab' a list of tokens that joined are this text, got ['a', 'c'].",
        ),
        (bad("exceptions", {"ab": "ab"}), "rules: expected as exception 'ab' a list of tokens that joined are this"),
        (bad("exceptions", {"": []}), "rules: expected as exception '' a list of tokens that joined are this text, "),
    ],
)
def test_what_are_no_rules_is_refused(rules: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        Tokenizer.from_rules(rules)


WITHOUT_SPACY = """
import sys
sys.modules["spacy"] = None
from triptych.text import Tokenizer, Vocab
assert not {"torch", "lightning"} & {*sys.modules}
try:
    Tokenizer.english()
except ImportError as error:
    print(error)
"""


def test_a_missing_spacy_is_one_line_and_nothing_else_needs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SPACY], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "Splitting a text into tokens needs spaCy; `pip install 'triptych[text]'`.\n", done.stderr
