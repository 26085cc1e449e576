"""Coloured words, wrapped into lines of a given width and written on a figure."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

FONT = "DejaVu Sans"
"""Ships with matplotlib, so widths are the same everywhere and no character is missing."""
INK, FAINT = "#1a1a1a", "#555555"
GREEN, VERMILION, VIOLET = "#006B4F", "#B03A00", "#5B2A9D"
"""Readable on white (contrast above 5), and distinguishable by the colour-blind."""
DPI = 120
"""Pixels in an inch of a figure with words: glyphs are as wide as whole pixels, so widths hold for one resolution."""
_LINE = 1.5  # height of a line of text, in font sizes


class Word(NamedTuple):
    """A piece of text that is never wrapped, its colour, and the colour behind it; empty for none."""

    text: str
    color: str = INK
    shade: str = ""


LINE_END = Word("\n")
"""The word after which `flow` begins a new line."""


@functools.lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """Width in inches of a line of text at `size` points."""
    line = _ruler()
    line.set(text=text, fontsize=size)
    return float(line.get_window_extent().width) / DPI


@functools.cache
def _ruler() -> Text:
    return Figure(dpi=DPI).text(0, 0, "", family=FONT, parse_math=False)


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
    """Wraps words into lines of at most `width` inches at `size` points; adjacent words of one look are joined."""
    lines: list[list[Word]] = []
    free = -math.inf  # inches in the last line
    for word in words:
        if word == LINE_END:
            free = -math.inf
            continue
        short = word._replace(text=shortened(word.text, width, size))
        length = width_of(short.text, size)
        if length > free:
            lines.append([])
            free = width
        lines[-1].append(short)
        free -= length + space(size)
    return [_joined(line) for line in lines]


def line_height(size: float) -> float:
    """Height in inches of a line of text at `size` points."""
    return _LINE * size / 72


def write_line(figure: Figure, left: float, top: float, line: Iterable[Word], size: float) -> None:
    """Writes words side by side on a figure that has its final size.

    Args:
        figure: The figure.
        left: Distance of the first word from the left edge, in inches.
        top: Distance of the line from the upper edge, in inches.
        line: The words.
        size: Font size in points.
    """
    width, height = figure.get_size_inches().tolist()
    middle = 1 - (top + 0.5 * line_height(size)) / height
    for word in line:
        length = width_of(word.text, size)
        if word.shade:
            _shade(figure, word.shade, (left / width, middle), (length / width, line_height(size) / height))
        text = figure.text(left / width, middle, word.text, va="center_baseline", fontsize=size, family=FONT)
        text.set(color=word.color, parse_math=False)
        left += length + space(size)


def _shade(figure: Figure, color: str, middle_left: tuple[float, float], size: tuple[float, float]) -> None:
    """Paints a line's part of a figure; lengths are fractions of the figure's."""
    (left, middle), (width, height) = middle_left, size
    figure.add_artist(Rectangle((left, middle - 0.45 * height), width, 0.9 * height, color=color, linewidth=0))


def space(size: float) -> float:
    """Width in inches between two words at `size` points."""
    return 0.45 * size / 72


def _joined(line: Iterable[Word]) -> list[Word]:
    return [Word(" ".join(word.text for word in words), *look) for look, words in groupby(line, lambda word: word[1:])]
