"""An image with points drawn on it, visible on both light and dark skin."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Points = Sequence[Sequence[float]]
Color = tuple[int, int, int]
PREDICTED, TRUE = (225, 20, 20), (40, 230, 90)
_LEGEND_FROM_PX = 100
"""Shortest side of an image that has room for a legend."""
_FEW = 5
"""Number of points whose marks are still drawn in full size."""


def draw_points(image: npt.NDArray[np.uint8], points: Points, true_points: Points | None = None) -> Image.Image:
    """The image with a red cross on each predicted point, and a green ring around each true point.

    Marks scale with the image, and are smaller if there are many; a legend is written if there is room for it.

    Args:
        image: RGB (H, W, 3).
        points: (y, x) of each predicted point, in pixels.
        true_points: (y, x) of each true point, in pixels, if known; a missing one, NaN, is not drawn.
    """
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    side = min(picture.size)
    smaller = mark_scale(max(len(points), len(true_points or ())))
    arm, line = max(4, round(side / 40)), max(1, round(smaller * side / 160))
    arm = max(2, round(smaller * arm))
    true_points = [(y, x) for y, x in true_points or () if not (math.isnan(y) or math.isnan(x))]
    for y, x in true_points:
        for color, rim in (((0, 0, 0), 1), (TRUE, 0)):
            reach = arm + rim
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=color, width=line + 2 * rim)
    for y, x in points:
        for color, rim in (((255, 255, 255), 1), (PREDICTED, 0)):
            reach = arm + rim
            draw.line((x - reach, y, x + reach, y), color, line + 2 * rim)
            draw.line((x, y - reach, x, y + reach), color, line + 2 * rim)
    if side >= _LEGEND_FROM_PX:
        words = [("predicted", PREDICTED, (255, 255, 255))] if points else []
        words += [("true", TRUE, (0, 0, 0))] if true_points else []
        _legend(draw, max(9, min(14, round(side / 30))), words)
    return picture


def mark_scale(count: int) -> float:
    """Size of the marks of so many points, relative to that of a few: together they take no more room than five."""
    return math.sqrt(min(1, _FEW / max(1, count)))


def _legend(draw: ImageDraw.ImageDraw, size: int, words: Sequence[tuple[str, Color, Color]]) -> None:
    """Writes each word in its colour, with a rim in another colour."""
    font, edge = ImageFont.load_default(size), max(1, size // 7)
    for row, (text, color, rim) in enumerate(words):
        draw.text((4, 2 + row * round(1.3 * size)), text, color, font, stroke_width=edge, stroke_fill=rim)
