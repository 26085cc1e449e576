"""Words on an image, readable on any ground."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

_LINES = 24
"""Lines of text that the height of an image has room for."""
_SMALLEST_PX = 9


def draw_captions(image: npt.NDArray[np.uint8], lines: Sequence[str]) -> Image.Image:
    """The image with lines of white text with a black rim in its upper left corner; those without room are left out.

    Args:
        image: RGB (H, W, 3).
        lines: The lines, the most important first.
    """
    picture = Image.fromarray(image)
    size = max(_SMALLEST_PX, picture.height // _LINES)
    font, draw, step = ImageFont.load_default(size), ImageDraw.Draw(picture), round(1.3 * size)
    for row, line in enumerate(lines[: picture.height // step]):
        draw.text((size // 2, row * step + 2), line, "white", font, stroke_width=max(1, size // 7), stroke_fill="black")
    return picture
