"""A grid of images, each with its name above and its text below, and one legend at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from triptych.draw.figure import NotebookFigure
from triptych.draw.marks import draw_marks
from triptych.draw.points import Points
from triptych.draw.text import FONT, INK, Word, flow, shortened, space, width_of

_NAME_PT, _WORD_PT, _HEADING_PT = 7, 8.5, 10
_FAINT = "#555555"
_LINE = 1.5  # height of a line of text, in font sizes
_EDGE, _GAP = 0.12, 0.16  # inches
_MIN_WIDTH = 3.2  # inches, so that a legend fits below a single image


@dataclass(frozen=True)
class Tile:
    """An image with its texts.

    Args:
        picture: RGB uint8 (H, W, 3).
        name: Written above the image in small type, shortened to its width.
        words: Written below the image, in as many lines as needed.
        true_points: (y, x) of each true point, in pixels of the image.
        points: (y, x) of each predicted point, in pixels of the image.
    """

    picture: npt.NDArray[np.uint8]
    name: str = ""
    words: Sequence[Word] = ()
    true_points: Points = ()
    points: Points = ()


def sheet(
    tiles: Sequence[Tile],
    columns: int,
    tile_width: float,
    keys: Sequence[tuple[Artist, str]] = (),
    key_colors: Sequence[str] = (),
    headings: Sequence[str] = (),
) -> Figure:
    """A figure of tiles, row by row.

    Args:
        tiles: At least one.
        columns: Maximum number of tiles in a row.
        tile_width: Width of a tile in inches.
        keys: Handle and label of each entry of the legend.
        key_colors: Colour of each label; empty for black labels.
        headings: Heading of each column; empty for no headings.
    """
    rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    used = len(rows[0])
    width = max(_MIN_WIDTH, 2 * _EDGE + used * tile_width + (used - 1) * _GAP)
    blocks = [[flow(tile.words, tile_width, _WORD_PT) for tile in row] for row in rows]
    figure = NotebookFigure(figsize=(width, 1), dpi=120, facecolor="white")
    legend = _legend(figure, keys, key_colors, width - 2 * _EDGE)
    foot = legend.get_window_extent().height / figure.dpi + _GAP if legend else 0.0
    top = _EDGE + (_height(_HEADING_PT) if headings else 0)
    heights = [_row_height(row, block, tile_width) for row, block in zip(rows, blocks, strict=True)]
    height = top + sum(heights) + (len(rows) - 1) * _GAP + foot + _EDGE
    figure.set_size_inches(width, height)
    if legend:
        legend.set_bbox_to_anchor((_EDGE / width, _EDGE / height))
    page = _Page(figure, width, height)
    for column, heading in enumerate(headings):
        page.write(_EDGE + column * (tile_width + _GAP), _EDGE, Word(heading), _HEADING_PT)
    for row, block, row_height in zip(rows, blocks, heights, strict=True):
        for column, (tile, lines) in enumerate(zip(row, block, strict=True)):
            page.draw(tile, lines, _EDGE + column * (tile_width + _GAP), top + _name_height(row), tile_width)
        top += row_height + _GAP
    return figure


class _Page:
    """A figure whose positions are given in inches from its top left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def write(self, left: float, top: float, word: Word, size: float) -> None:
        x, y = left / self.width, 1 - (top + 0.5 * _height(size)) / self.height
        text = self.figure.text(x, y, word.text, va="center_baseline", fontsize=size, family=FONT, color=word.color)
        text.set_parse_math(False)

    def draw(self, tile: Tile, lines: Sequence[Sequence[Word]], left: float, top: float, width: float) -> None:
        if tile.name:
            name = Word(shortened(tile.name, width, _NAME_PT), _FAINT)
            self.write(left, top - _height(_NAME_PT), name, _NAME_PT)
        rows, columns = tile.picture.shape[:2]
        height = width * rows / columns
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.imshow(tile.picture, extent=(0, columns, rows, 0), aspect="auto")
        draw_marks(axes, tile.true_points, tile.points)
        axes.set_axis_off()
        axes.set(xlim=(0, columns), ylim=(rows, 0))
        top += height
        for line in lines:
            start = left
            for word in line:
                self.write(start, top, word, _WORD_PT)
                start += width_of(word.text, _WORD_PT) + space(_WORD_PT)
            top += _height(_WORD_PT)


def _height(size: float) -> float:
    """Height in inches of a line of text at `size` points."""
    return _LINE * size / 72


def _row_height(row: Sequence[Tile], block: Sequence[Sequence[object]], tile_width: float) -> float:
    picture: float = max(tile_width * tile.picture.shape[0] / tile.picture.shape[1] for tile in row)
    return _name_height(row) + picture + max(map(len, block)) * _height(_WORD_PT)


def _name_height(row: Sequence[Tile]) -> float:
    return _height(_NAME_PT) if any(tile.name for tile in row) else 0.0


def _legend(figure: Figure, keys: Sequence[tuple[Artist, str]], colors: Sequence[str], width: float) -> Legend | None:
    """The legend at the bottom, in as many columns as fit into `width` inches."""
    if not keys:
        return None
    labels = [label for _, label in keys]
    handle = 1.4 if not colors else 0  # in font sizes, as in matplotlib; coloured labels need no handle
    entry = max(width_of(label, _WORD_PT) for label in labels) + (handle + 0.6 + 1.4) * _WORD_PT / 72
    legend = figure.legend(
        [artist for artist, _ in keys],
        labels,
        loc="lower left",
        ncols=max(1, min(len(keys), int(width / entry))),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=handle,
        handletextpad=0.6 if handle else 0,
        columnspacing=1.4,
        labelcolor=list(colors) or INK,
        prop={"family": FONT, "size": _WORD_PT},
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return legend
