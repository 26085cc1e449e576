"""An image overlaid with the colours of its classes, with a legend beside it."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]

_FONT_PX, _SWATCH_PX, _GAP_PX = 14, 14, 6
_ROW_PX = _FONT_PX + _GAP_PX
_STRIP_ROWS = 64
_MIN_ROWS = 8  # also beside a tiny image: a high legend is easier to read than a wide one


def palette_mask(ids: Pixels, colors: Pixels) -> Image.Image:
    """A mask as CamVid saves it: 8-bit class ids, shown in the colours of the classes.

    Args:
        ids: Class ids (H, W).
        colors: RGB of each class (C, 3).
    """
    mask = Image.fromarray(ids, mode="P")
    mask.putpalette(colors.flatten().tolist())
    return mask


def overlay(
    image: Pixels, ids: Pixels, colors: Pixels, class_names: Sequence[str], opacity: float = 0.5
) -> Image.Image:
    """The image overlaid with the colours of its classes; on its right the classes that occur, the largest first.

    Args:
        image: RGB (H, W, 3).
        ids: Class ids (H, W).
        colors: RGB of each class (C, 3).
        class_names: Names of the classes.
        opacity: Opacity of the colours, in [0, 1].
    """
    beside = legend(class_counts(ids, len(colors)), colors, class_names, len(ids))
    sheet = Image.new("RGB", (ids.shape[1] + beside.width, max(len(ids), beside.height)), "white")
    for rows in _strips(ids):
        blend = np.rint((1 - opacity) * image[rows] + opacity * colors[ids[rows]]).astype(np.uint8)
        sheet.paste(Image.fromarray(blend), (0, rows.start))
    sheet.paste(beside, (ids.shape[1], 0))
    return sheet


def blended(image: Pixels, ids: Pixels, colors: Pixels) -> Pixels:
    """The image overlaid with the colours of its classes, at half opacity, in its own size; for a frame of a video.

    Args:
        image: RGB (H, W, 3).
        ids: Class ids (H, W).
        colors: RGB of each class (C, 3).
    """
    return np.asarray(cv2.addWeighted(image, 0.5, colors[ids], 0.5, 0), dtype=np.uint8)


def _strips(ids: Pixels) -> Iterator[slice]:
    """Some rows at a time: their values as numbers of 64 bits are eight times as large."""
    return (slice(start, start + _STRIP_ROWS) for start in range(0, len(ids), _STRIP_ROWS))


def class_counts(ids: Pixels, num_classes: int) -> npt.NDArray[np.int64]:
    """Number of pixels of each class, (num_classes,). Shape: ids uint8 (H, W)."""
    counts = np.sum([np.bincount(ids[rows].ravel(), minlength=256) for rows in _strips(ids)], axis=0)
    return np.asarray(counts[:num_classes])


def legend(counts: npt.NDArray[np.int64], colors: Pixels, class_names: Sequence[str], height: int) -> Image.Image:
    """Swatch, name and fraction of each class that occurs, in as many columns as `height` requires.

    Args:
        counts: Number of pixels of each class (C,), not all 0.
        colors: RGB of each class (C, 3).
        class_names: Names of the classes.
        height: Height in pixels.
    """
    present = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    font = ImageFont.load_default(_FONT_PX)
    lines = [f"{class_names[i]}  {_percent(counts[i] / counts.sum())}" for i in present]
    column_px = _SWATCH_PX + 3 * _GAP_PX + max(int(font.getlength(line)) for line in lines)
    rows = max(_MIN_ROWS, (height - _GAP_PX) // _ROW_PX)
    columns = -(-len(present) // rows)
    sheet = Image.new("RGB", (columns * column_px, _GAP_PX + min(rows, len(present)) * _ROW_PX), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (i, line) in enumerate(zip(present, lines, strict=True)):
        x, y = index // rows * column_px + _GAP_PX, index % rows * _ROW_PX + _GAP_PX
        draw.rectangle((x, y, x + _SWATCH_PX - 1, y + _SWATCH_PX - 1), fill=tuple(colors[i].tolist()), outline="black")
        draw.text((x + _SWATCH_PX + _GAP_PX, y + _SWATCH_PX // 2), line, "black", font, anchor="lm")
    return sheet


def _percent(fraction: float) -> str:
    return f"{fraction:.0%}" if fraction >= 0.01 else "<1%"
