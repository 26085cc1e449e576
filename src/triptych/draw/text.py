"""Coloured words, wrapped into lines of a given width."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

from matplotlib.figure import Figure

FONT = "DejaVu Sans"
"""Ships with matplotlib, so widths are the same everywhere and no character is missing."""
INK = "#1a1a1a"
_DPI = 200


class Word(NamedTuple):
    """A piece of text that is never wrapped, and its colour."""

    text: str
    color: str = INK


@functools.lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """Width in inches of a line of text at `size` points."""
    line = Figure(dpi=_DPI).text(0, 0, text, fontsize=size, family=FONT, parse_math=False)
    return float(line.get_window_extent().width) / _DPI


def shortened(text: str, width: float, size: float) -> str:
    """`text`; if wider than `width` inches at `size` points, an ellipsis replaces its middle."""
    if width_of(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}"
        if width_of(short, size) <= width:
            return short
    return "…"


def sentence(text: str, color: str = INK) -> list[Word]:
    """Splits `text` at its spaces, where a line may be wrapped."""
    return [Word(word, color) for word in text.split()]


def flow(words: Iterable[Word], width: float, size: float) -> list[list[Word]]:
    """Wraps words into lines of at most `width` inches at `size` points; adjacent words of one colour are joined."""
    lines: list[list[Word]] = []
    for word in words:
        short = Word(shortened(word.text, width, size), word.color)
        longer = _appended(lines[-1], short) if lines else None
        if longer is not None and _line_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append([short])
    return lines


def _line_width(line: Iterable[Word], size: float) -> float:
    """Width in inches of words and the spaces between them, at `size` points."""
    widths = [width_of(word.text, size) for word in line]
    return sum(widths) + space(size) * (len(widths) - 1)


def space(size: float) -> float:
    """Width in inches between two words at `size` points."""
    return 0.45 * size / 72


def _appended(line: list[Word], word: Word) -> list[Word]:
    last = line[-1]
    if last.color == word.color:
        return [*line[:-1], Word(f"{last.text} {word.text}", word.color)]
    return [*line, word]
