"""The image of a made-up tile while it is drawn, and maps of where each tag is visible.

A coverage is the opacity of each pixel, float32 (H, W) in [0, 1]. Colours are red, green and blue in [0, 255], as in
sunlight. Lengths are in units of 1/128 of the tile's shorter side, so that a tile shows the same land at any size.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
"""float32 (H, W), or (H, W, 3) if it is an image."""

Color = tuple[float, float, float]
Point = tuple[float, float]
"""(x, y) in pixels."""

_SUBPIXEL_BITS = 4


class TileCanvas:
    """Draws a tile in layers of paint, each over the ones before.

    Args:
        keys: Seed of the data set and number of the tile, each at least 0.
        image_size: (height, width) in pixels.
    """

    def __init__(self, keys: tuple[int, int], image_size: tuple[int, int]) -> None:
        self.keys = keys
        self.image_size = image_size
        self.unit = min(image_size) / 128
        self.image: Map = np.zeros((*image_size, 3), np.float32)
        self.seen: dict[str, Map] = {}
        self.untouched: Map = np.ones(image_size, np.float32)

    def rng(self, name: str) -> np.random.Generator:
        """Random generator for one thing on this tile; `name` identifies the thing."""
        return np.random.default_rng([*self.keys, *name.encode()])

    def paint(self, cover: Map, color: Color | Map, tag: str | None = None) -> None:
        """Paints one layer.

        Args:
            cover: Coverage of the layer.
            color: One colour, or an image (H, W, 3).
            tag: What the layer shows. It hides other tags below it, and the ground is no longer free. None changes
                neither.
        """
        self.image += cover[..., None] * (np.asarray(color, np.float32) - self.image)
        if tag is not None:
            self.hide(cover)
            self.seen[tag] = np.maximum(self.seen.get(tag, 0), cover)
            self.untouched *= 1 - cover

    def hide(self, cover: Map) -> None:
        """Marks all tags so far as hidden where there is `cover`."""
        for seen in self.seen.values():
            seen *= 1 - cover

    def free_spot(self, rng: np.random.Generator, radius: float) -> Point:
        """Of some random points at least `radius` units from the edges, the one with the most free ground around it."""
        height, width = self.image_size
        margin = radius * self.unit
        spots = rng.uniform(margin, (width - margin, height - margin), (24, 2))
        side = 2 * round(margin) + 1
        free = cv2.blur(self.untouched, (side, side))
        x, y = max(spots.tolist(), key=lambda spot: float(free[int(spot[1]), int(spot[0])]))
        return x, y

    def noise(self, rng: np.random.Generator, scale: float) -> Map:
        """Smooth random map, mean 0 and standard deviation about 0.9; its bumps are about `scale` units wide."""
        height, width = self.image_size
        cell = max(scale * self.unit, 1.0)
        rows, columns = math.ceil(height / cell) + 3, math.ceil(width / cell) + 3
        coarse = rng.standard_normal((rows, columns), np.float32)
        large = cv2.resize(coarse, (math.ceil(columns * cell), math.ceil(rows * cell)), interpolation=cv2.INTER_CUBIC)
        start = round(1.5 * cell)
        return np.asarray(large[start : start + height, start : start + width], np.float32)

    def rough(self, rng: np.random.Generator, scale: float) -> Map:
        """Random map with fine detail: bumps `scale` units wide, and smaller ones on them."""
        bumps = 0.8 * self.noise(rng, scale) + 0.45 * self.noise(rng, scale / 2) + 0.3 * self.noise(rng, scale / 4)
        return np.asarray(bumps, np.float32)

    def blob(self, rng: np.random.Generator, center: Point, radius: float, ragged: float = 0.3) -> Map:
        """Coverage of a patch, an ellipse with an uneven outline.

        Args:
            rng: Random generator for the shape.
            center: (x, y) in pixels.
            radius: Mean radius in units.
            ragged: Unevenness of the outline; 0 is an ellipse.
        """
        height, width = self.image_size
        stretch, turn = rng.uniform(1.0, 1.5), rng.uniform(0, math.pi)
        x = np.arange(width, dtype=np.float32)[None] - center[0]
        y = np.arange(height, dtype=np.float32)[:, None] - center[1]
        along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2) / (radius * self.unit)
        inside = (1 + ragged * self.rough(rng, radius) - distance) * radius * self.unit
        return soft_step(np.asarray(inside, np.float32))

    def lines(self, paths: Sequence[Sequence[Point]], width: float) -> Map:
        """Coverage of lines through points, `width` units thick; below one pixel they get fainter, not thinner."""
        width_px = width * self.unit
        mask = np.zeros(self.image_size, np.uint8)
        bends = [_fixed_point(path) for path in paths]
        cv2.polylines(mask, bends, False, (255,), max(1, round(width_px)), cv2.LINE_AA, _SUBPIXEL_BITS)
        return mask.astype(np.float32) * (min(1.0, width_px + 0.25) / 255)

    def polygons(self, outlines: Sequence[Sequence[Point]]) -> Map:
        """Coverage of filled polygons."""
        mask = np.zeros(self.image_size, np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [_fixed_point(outline)], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
        return np.asarray(mask / 255, np.float32)


def soft_step(distance_px: Map) -> Map:
    """Coverage from the signed distance to an edge, in pixels, positive inside; the edge is two pixels wide."""
    cover: Map = np.clip(0.5 + distance_px / 2, 0, 1).astype(np.float32, copy=False)
    return cover


def shaded(color: Color, light: Map) -> Map:
    """Image (H, W, 3) of one colour; `light` (H, W) is the factor on it at each pixel."""
    return np.asarray(light[..., None] * np.array(color), np.float32)


def pick_color(rng: np.random.Generator, colors: Sequence[Color], sigma: float = 8) -> Color:
    """One of the colours at random, changed by normal noise: `sigma` in brightness, half of it in each channel."""
    color = colors[int(rng.integers(len(colors)))]
    red, green, blue = np.clip(np.array(color) + rng.normal(0, sigma) + rng.normal(0, sigma / 2, 3), 4, 250).tolist()
    return red, green, blue


def _fixed_point(points: Sequence[Point]) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(np.array(points) * 2**_SUBPIXEL_BITS), np.int32)
