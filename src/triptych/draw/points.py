"""A picture with points drawn on it, readable on light and dark skin alike."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Points = Sequence[Sequence[float]]
Color = tuple[int, int, int]
PREDICTED, TRUE = (225, 20, 20), (40, 230, 90)
LEGEND_FROM_PX = 100
"""Shorter side from which a picture has room for a legend."""


def draw_points(image: npt.NDArray[np.uint8], points: Points, true_points: Points | None = None) -> Image.Image:
    """The picture with a red cross on each predicted point, and a green ring around each true one.

    Marks grow with the picture; a legend is written where there is room for it.

    Args:
        image: RGB (H, W, 3).
        points: (y, x) of each point, in pixels.
        true_points: The same of the true points, if they are known.
    """
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    side = min(picture.size)
    arm, line = max(4, round(side / 40)), max(1, round(side / 160))
    for y, x in true_points or ():
        for color, rim in (((0, 0, 0), 1), (TRUE, 0)):
            reach = arm + rim
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=color, width=line + 2 * rim)
    for y, x in points:
        for color, rim in (((255, 255, 255), 1), (PREDICTED, 0)):
            reach = arm + rim
            draw.line((x - reach, y, x + reach, y), color, line + 2 * rim)
            draw.line((x, y - reach, x, y + reach), color, line + 2 * rim)
    if side >= LEGEND_FROM_PX:
        words = [("predicted", PREDICTED, (255, 255, 255))] if points else []
        words += [("true", TRUE, (0, 0, 0))] if true_points else []
        _legend(draw, max(9, min(14, round(side / 30))), words)
    return picture


def _legend(draw: ImageDraw.ImageDraw, size: int, words: Sequence[tuple[str, Color, Color]]) -> None:
    """Writes each word in its colour, within a rim of another."""
    font, edge = ImageFont.load_default(size), max(1, size // 7)
    for row, (text, color, rim) in enumerate(words):
        draw.text((4, 2 + row * round(1.3 * size)), text, color, font, stroke_width=edge, stroke_fill=rim)
