"""Texts as tiles: every token can be read, special ones stand back, and nothing leaves the figure or its tile."""

import random
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import FAINT, GREEN, INK, VERMILION, Word, flow, space, width_of
from triptych.draw.texts import TEXT_COLUMNS, TEXT_WIDTH, answer, shade, shade_keys, text_tile
from triptych.text import SPECIAL

WORDS = ("a", "film", "wonderful", "the", ",", ".", "n't", "incomprehensibilities", "$5", "été", "xxmaj", "\n")


def random_tokens(seed: int, count: int) -> list[str]:
    return ["xxbos", *random.Random(seed).choices(WORDS, k=count)]


def written(figure: Figure) -> list[str]:
    return " ".join(text.get_text() for text in figure.texts).split()


def luminance(color: str) -> float:
    """Relative luminance in [0, 1] (WCAG 2.2)."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("count", [1, 9])
def test_random_texts_are_whole_and_overlap_nothing(count, check_whole) -> None:
    rng = random.Random(count)
    tiles = []
    for seed in range(count):
        tokens = random_tokens(seed, 10 + 40 * seed)
        weights = [rng.choice((0, rng.uniform(-1, 1))) for _ in tokens]
        tiles.append(text_tile(f"texts.csv, row {seed}", tokens, answer("positive", 0.7, "negative"), weights))
    figure = sheet(tiles, TEXT_COLUMNS, TEXT_WIDTH, shade_keys("for positive", "for negative"))
    check_whole(figure)
    for patch in figure.findobj(Rectangle):
        box = patch.get_window_extent()
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.width and 0 <= box.y0 <= box.y1 <= figure.bbox.height


def test_every_token_of_a_text_is_written_in_order() -> None:
    tokens = [token for token in random_tokens(0, 100) if token != "\n"]
    figure = sheet([text_tile("", tokens)], TEXT_COLUMNS, TEXT_WIDTH)
    assert written(figure) == tokens


def test_of_a_long_text_beginning_and_end_are_shown_with_the_number_of_the_others() -> None:
    tokens = [f"t{i}" for i in range(100_000)]
    shown = " ".join(word.text for word in text_tile("", tokens, [Word("end")]).words).split()
    assert shown == [*tokens[:70], "…", "99890", "more", "…", *tokens[-40:], "end"]


def test_special_tokens_stand_back_and_newlines_end_a_line() -> None:
    words = text_tile("", ["xxbos", "one", "\n", "\n", "two"], [Word("said")]).words
    assert [word.text for word in words] == ["xxbos", "one", "↵↵", "\n", "two", "\n", "said"]
    assert [line[-1].text for line in flow(words, TEXT_WIDTH, 8)] == ["↵↵", "two", "said"]
    for token in SPECIAL:
        assert text_tile("", [token]).words[0].color not in (INK, FAINT)


def test_weight_is_the_colour_behind_its_own_token() -> None:
    words = text_tile("", ["bad", "xxup", "good", "\n"], weights=[-1, 0, 0.5, 2]).words
    assert [word.shade for word in words[:4]] == [shade(-1), "", shade(0.5), shade(1)]
    figure = sheet([text_tile("", ["plain", "good"], weights=[0, 1])], 1, TEXT_WIDTH)
    (patch,) = figure.findobj(lambda artist: isinstance(artist, Rectangle) and artist is not figure.patch)
    figure.draw_without_rendering()
    text = next(text for text in figure.texts if text.get_text() == "good").get_window_extent()
    box = patch.get_window_extent()
    assert box.x0 == pytest.approx(text.x0, abs=2) and box.x1 == pytest.approx(text.x1, abs=2)
    assert box.y0 <= text.y0 and text.y1 <= box.y1


def test_more_weight_is_a_stronger_colour_on_which_ink_can_be_read() -> None:
    for sign in (-1, 1):
        strengths = [luminance(shade(sign * weight)) for weight in (0.2, 0.5, 1)]
        assert strengths == sorted(strengths, reverse=True)
        assert contrast(shade(sign), INK) > 7
    assert shade(0) == ""
    assert contrast(shade(1), shade(-1)) < 2  # one is as strong as the other


def test_answer_says_what_is_right() -> None:
    assert answer("positive", 0.987) == [Word("positive 0.99")]
    assert answer("positive", 0.5, "positive") == [Word("✓ positive 0.50", GREEN)]
    assert answer("positive", 0.5, "negative") == [Word("✗ positive 0.50", VERMILION), Word("true: negative")]


def test_lines_are_as_a_slow_count_of_widths_has_them() -> None:
    rng = random.Random(0)
    words = [Word(rng.choice(["a", "bb", "ccc", "dddd", "eeeeeeee"]), rng.choice((INK, GREEN))) for _ in range(300)]
    lines = flow(words, 2, 8.5)
    assert " ".join(word.text for line in lines for word in line).split() == [word.text for word in words]
    parts = [[part for word in line for part in word.text.split()] for line in lines]
    for line, following in zip(parts, [*parts[1:], [""]], strict=True):
        width = sum(width_of(part, 8.5) for part in line) + space(8.5) * (len(line) - 1)
        assert width <= 2
        assert not following[0] or width + space(8.5) + width_of(following[0], 8.5) > 2


def test_words_of_an_empty_text_and_an_empty_token_do_no_harm(check_whole) -> None:
    tiles = [text_tile("empty", []), text_tile("no characters", ["", "x"]), Tile(None)]
    assert "x" in re.sub(r"\s", "", "".join(check_whole(sheet(tiles, 3, TEXT_WIDTH))))
