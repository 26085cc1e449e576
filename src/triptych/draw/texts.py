"""Tokens as words of a tile: special ones in grey, with colours behind those that matter; and answers as words."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from matplotlib.artist import Artist
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch

from triptych.draw.sheet import Tile
from triptych.draw.text import FAINT, GREEN, LINE_END, VERMILION, Word
from triptych.text.rules import SPECIAL

TEXT_COLUMNS, TEXT_WIDTH = 3, 3.7
"""Number of texts side by side that can be read on a page, and the width of one in inches."""

_FIRST, _LAST = 70, 40
"""Number of tokens shown of a long text, from its beginning and from its end."""
_NEWLINE = Word("↵", FAINT)
_STRONGEST = 0.45
"""Opacity of the colour behind a token of weight 1 or -1; black on it has a contrast above 7."""
_GREY = "#767676"


def text_tile(name: str, tokens: Sequence[str], words: Sequence[Word] = (), weights: Sequence[float] = ()) -> Tile:
    """A tile of a text: its tokens, special ones in grey and newlines as an arrow, and words on a line of their own.

    Of a text of more than 110 tokens, the first 70 and the last 40 are shown.

    Args:
        name: Where the text comes from, such as `texts.csv, row 12`.
        tokens: The tokens.
        words: Written below the text.
        weights: Weight of each token, in [-1, 1]: the more positive, the greener is what is behind the token, the more
            negative, the redder. Empty if nothing is to be coloured.
    """
    shades = [shade(weight) for weight in weights] or [""] * len(tokens)
    shown = [_word(token, color) for token, color in zip(tokens, shades, strict=True)]
    if len(shown) > _FIRST + _LAST:
        gap = Word(f"… {len(shown) - _FIRST - _LAST} more …", _GREY)
        shown = [*shown[:_FIRST], gap, *shown[-_LAST:]]
    return Tile(None, name, [*_with_line_ends(shown), LINE_END, *words])


def shade(weight: float) -> str:
    """Colour behind a token of a weight in [-1, 1]; empty for 0."""
    opacity = _STRONGEST * min(1.0, abs(weight))
    red, green, blue = (1 - opacity * (1 - part) for part in to_rgb(GREEN if weight > 0 else VERMILION))
    return to_hex((red, green, blue)) if opacity else ""


def shade_keys(positive: str, negative: str = "") -> list[tuple[Artist, str]]:
    """Handle and label of the colours behind tokens, for a legend.

    Args:
        positive: What a weight of 1 means.
        negative: What a weight of -1 means; empty if there is none.
    """
    labels = {1.0: positive, -1.0: negative}
    return [(Patch(facecolor=shade(weight)), label) for weight, label in labels.items() if label]


def answer(pred: str, probability: float, truth: str | None = None) -> list[Word]:
    """A predicted category with its probability, and whether it is right.

    Args:
        pred: The predicted category.
        probability: Its probability, in [0, 1].
        truth: The true category; None if it is unknown.
    """
    said = f"{pred} {probability:.2f}"
    if truth is None:
        return [Word(said)]
    if pred == truth:
        return [Word(f"✓ {said}", GREEN)]
    return [Word(f"✗ {said}", VERMILION), Word(f"true: {truth}")]


def _word(token: str, color: str) -> Word:
    if "\n" in token:
        return _NEWLINE._replace(shade=color)
    return Word(token, _GREY, color) if token in SPECIAL else Word(token, shade=color)


def _with_line_ends(words: Iterable[Word]) -> Iterator[Word]:
    """Joins newlines that follow each other, and begins a new line after them."""
    for is_newline, group in groupby(words, lambda word: word.text == _NEWLINE.text):
        if is_newline:
            for look, marks in groupby(group, lambda word: word[1:]):
                yield Word("".join(mark.text for mark in marks), *look)
            yield LINE_END
        else:
            yield from group
