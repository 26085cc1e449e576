"""Tokens as a text to read."""

import pytest

from triptych.text import Tokenizer, readable

TEXTS = [
    "It wasn't THAT bad!!!!\n\nI'd say \"so what\" (again): 7/10, a well-made film; it's yours.",
    "No no no no no, said Mr. Smith's dog.",
    "He's won $100… NO!!!!!",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_plain_text_comes_back_from_its_tokens(text: str) -> None:
    assert readable(Tokenizer.english()(text)) == text


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("xxbos xxmaj", ""),
        ("xxunk xxpad xxpad", "<unk>"),
        ("xxmaj xxunk i", "<unk> I"),
        ("xxrep xxwrep 3 xxup no", "NO NO NO"),
        ("xxrep 999999999 a", "999999999 aaaa"[:9] + " a"),
        ("xxwrep the end", "the end"),
        (") ( a", ") (a"),
    ],
)
def test_what_a_model_writes_is_shown_whatever_it_is(tokens: str, text: str) -> None:
    assert readable(tokens.split(" ")) == text
