"""The course's rules: HTML removed, repetitions counted, case as a mark."""

import pytest

from triptych.text.rules import cased, prepared


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a<br />b<BR>c<br/>d", ["a", "b", "c", "d"]),
        ("<p class='x'>One <b>tw</b>o</p>", ["One two"]),
        ("a <grin> of 1 < 2 > 0 <3", ["a <grin> of 1 < 2 > 0 <3"]),
        ("R&amp;B &lt;b&gt; caf&eacute;&nbsp;au lait", ["R&B <b> café au lait"]),
        ("it#39;s R amp; B, quot;ok quot;", ['it\'s R & B, "ok "']),
        ("the lamp; on", ["the lamp; on"]),
        ("a\\nb\r\nc\rd", ["a", "b", "c", "d"]),
        ("<unk> 1 @,@ 000 first @-@ rate", ["xxunk 1,000 first-rate"]),
        ("a  \t b\u00a0\u3000c\x85d \n e", ["a b c d", "e"]),
        ("10/10 #1 a\\b", ["10 / 10 # 1 a \\ b"]),
        ("so goooood!!! no!!!!", ["so g xxrep 5 o d!!! no xxrep 4 !"]),
        ("very very very good", ["very very very good"]),
        ("I've never ever ever ever ever.", ["I've never xxwrep 4 ever ."]),
        ("no no no nowhere", ["no no no nowhere"]),
        ("half \ud83d, whole \U0001f600", ["half \ufffd, whole \U0001f600"]),
        ("", [""]),
        (" \n ", [""]),
    ],
)
def test_a_text_is_prepared_as_the_course_does(text: str, lines: list[str]) -> None:
    assert prepared(text) == lines


def test_a_word_of_more_than_100_characters_is_cut() -> None:
    assert prepared("ab" * 120 + " " + "c" * 3) == [f"{'ab' * 50} {'ab' * 50} {'ab' * 20} ccc"]


@pytest.mark.parametrize(
    ("word", "marked"),
    [
        ("A", ["a"]),
        ("I", ["i"]),
        ("Vargas", ["xxmaj", "vargas"]),
        ("BAD", ["xxup", "bad"]),
        ("McDonald", ["mcdonald"]),
        ("Mr.", ["xxmaj", "mr."]),
        ("2ND", ["xxup", "2nd"]),
        ("!", ["!"]),
        ("ÉTÉ", ["xxup", "été"]),
    ],
)
def test_case_becomes_a_mark_but_for_one_letter(word: str, marked: list[str]) -> None:
    assert list(cased([word])) == marked


@pytest.mark.parametrize("word", ["xxpad", "XXPAD", "xxbos", "Xxbos"])
def test_no_word_of_a_text_is_padding_or_the_beginning_of_one(word: str) -> None:
    assert list(cased([word]))[-1] == "xxunk"


def test_each_rule_takes_a_time_that_grows_with_the_text() -> None:
    for text in (
        "<b " * 100_000,
        "&" * 300_000,
        "blah blah blah " * 20_000,
        " " * 300_000,
        "x" * 300_000,
        "a-" * 150_000,
    ):
        assert prepared(text)
