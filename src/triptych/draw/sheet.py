"""A grid of images or texts, each with its name above and words below, and one legend at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from triptych.draw.figure import NotebookFigure
from triptych.draw.marks import draw_marks
from triptych.draw.points import Points
from triptych.draw.text import DPI, FAINT, FONT, INK, Word, flow, line_height, shortened, width_of, write_line

_NAME_PT, _WORD_PT, _HEADING_PT = 7, 8.5, 10
_RULE = "#bbbbbb"
_EDGE, _GAP, _RULE_GAP = 0.12, 0.16, 0.04  # inches
_MIN_WIDTH = 3.2  # inches, so that a legend fits below a single image


@dataclass(frozen=True)
class Tile:
    """An image with its texts, or words alone.

    Args:
        picture: RGB uint8 (H, W, 3); None for words alone, below a thin line.
        name: Written above the image in small type, shortened to its width.
        words: Written below the image, in as many lines as needed.
        true_points: (y, x) of each true point, in pixels of the image.
        points: (y, x) of each predicted point, in pixels of the image.
    """

    picture: npt.NDArray[np.uint8] | None
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
    figure = NotebookFigure(figsize=(width, 1), dpi=DPI, facecolor="white")
    legend = _legend(figure, keys, key_colors, width - 2 * _EDGE)
    foot = legend.get_window_extent().height / figure.dpi + _GAP if legend else 0.0
    top = _EDGE + (line_height(_HEADING_PT) if headings else 0)
    heights = [_row_height(row, block, tile_width) for row, block in zip(rows, blocks, strict=True)]
    height = top + sum(heights) + (len(rows) - 1) * _GAP + foot + _EDGE
    figure.set_size_inches(width, height)
    if legend:
        legend.set_bbox_to_anchor((_EDGE / width, _EDGE / height))
    page = _Page(figure, width, height)
    for column, heading in enumerate(headings):
        write_line(figure, _EDGE + column * (tile_width + _GAP), _EDGE, [Word(heading)], _HEADING_PT)
    for row, block, row_height in zip(rows, blocks, heights, strict=True):
        for column, (tile, lines) in enumerate(zip(row, block, strict=True)):
            page.draw(tile, lines, _EDGE + column * (tile_width + _GAP), top + _name_height(row), tile_width)
        top += row_height + _GAP
    return figure


class _Page:
    """A figure of its final size, whose positions are given in inches from its top left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure, self.width, self.height = figure, width, height

    def draw(self, tile: Tile, lines: Sequence[Sequence[Word]], left: float, top: float, width: float) -> None:
        if tile.name:
            name = Word(shortened(tile.name, width, _NAME_PT), FAINT)
            write_line(self.figure, left, top - line_height(_NAME_PT), [name], _NAME_PT)
        if tile.picture is None:
            self._rule(left, top, width)
        else:
            self._show(tile, tile.picture, left, top, width)
        top += _picture_height(tile, width)
        for line in lines:
            write_line(self.figure, left, top, line, _WORD_PT)
            top += line_height(_WORD_PT)

    def _rule(self, left: float, top: float, width: float) -> None:
        ends, y = (left / self.width, (left + width) / self.width), 1 - top / self.height
        self.figure.add_artist(Line2D(ends, (y, y), color=_RULE, linewidth=0.6))

    def _show(self, tile: Tile, picture: npt.NDArray[np.uint8], left: float, top: float, width: float) -> None:
        rows, columns = picture.shape[:2]
        height = _picture_height(tile, width)
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.imshow(picture, extent=(0, columns, rows, 0), aspect="auto")
        draw_marks(axes, tile.true_points, tile.points)
        axes.set_axis_off()
        axes.set(xlim=(0, columns), ylim=(rows, 0))


def _picture_height(tile: Tile, width: float) -> float:
    """Height in inches of the image, `width` inches wide, or of the gap below the line of a tile without one."""
    return _RULE_GAP if tile.picture is None else width * tile.picture.shape[0] / tile.picture.shape[1]


def _row_height(row: Sequence[Tile], block: Sequence[Sequence[object]], tile_width: float) -> float:
    picture = max(_picture_height(tile, tile_width) for tile in row)
    return _name_height(row) + picture + max(map(len, block)) * line_height(_WORD_PT)


def _name_height(row: Sequence[Tile]) -> float:
    return line_height(_NAME_PT) if any(tile.name for tile in row) else 0.0


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
