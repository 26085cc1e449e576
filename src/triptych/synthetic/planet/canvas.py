"""The picture of a made-up tile while it is drawn, with a record of what of each tag can be seen.

Coverages are float32 (H, W) in [0, 1]; colours are red, green and blue in [0, 255] of sunlit ground; lengths are in
units of 1/128 of the tile's shorter side, so that a tile shows the same land at any size.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Map = npt.NDArray[np.float32]
"""float32 (H, W), or (H, W, 3) where it is a picture."""

Color = tuple[float, float, float]
Point = tuple[float, float]
"""(x, y) in pixels."""

SUBPIXEL_BITS = 4


class TileCanvas:
    """Takes coats of paint, each over what was there.

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
        """Random numbers that belong to one thing on this tile, told apart by its name."""
        return np.random.default_rng([*self.keys, *name.encode()])

    def paint(self, cover: Map, color: Color | Map, tag: str | None = None) -> None:
        """Paints where `cover` says.

        Args:
            cover: Opacity of the coat.
            color: One colour, or a picture (H, W, 3).
            tag: What the coat shows. It hides other tags from sight and takes the ground; None changes neither.
        """
        self.image += cover[..., None] * (np.asarray(color, np.float32) - self.image)
        if tag is not None:
            self.hide(cover)
            self.seen[tag] = np.maximum(self.seen.get(tag, 0), cover)
            self.untouched *= 1 - cover

    def hide(self, cover: Map) -> None:
        """Notes that everything so far is out of sight where `cover` says."""
        for seen in self.seen.values():
            seen *= 1 - cover

    def free_spot(self, rng: np.random.Generator, radius: float) -> Point:
        """A place around which, `radius` units wide, little was painted yet; inside the tile by at least that much."""
        height, width = self.image_size
        margin = radius * self.unit
        spots = rng.uniform(margin, (width - margin, height - margin), (24, 2))
        side = 2 * round(margin) + 1
        free = cv2.blur(self.untouched, (side, side))
        x, y = max(spots.tolist(), key=lambda spot: float(free[int(spot[1]), int(spot[0])]))
        return x, y

    def noise(self, rng: np.random.Generator, scale: float) -> Map:
        """Smooth random map, mean 0 and spread about 1, whose bumps are about `scale` units wide."""
        height, width = self.image_size
        cell = max(scale * self.unit, 1.0)
        rows, columns = math.ceil(height / cell) + 3, math.ceil(width / cell) + 3
        coarse = rng.standard_normal((rows, columns), np.float32)
        large = cv2.resize(coarse, (math.ceil(columns * cell), math.ceil(rows * cell)), interpolation=cv2.INTER_CUBIC)
        start = round(1.5 * cell)
        return np.asarray(large[start : start + height, start : start + width], np.float32)

    def rough(self, rng: np.random.Generator, scale: float) -> Map:
        """Random map with detail: bumps `scale` units wide, and ever smaller ones on them."""
        bumps = 0.8 * self.noise(rng, scale) + 0.45 * self.noise(rng, scale / 2) + 0.3 * self.noise(rng, scale / 4)
        return np.asarray(bumps, np.float32)

    def blob(self, rng: np.random.Generator, center: Point, radius: float, ragged: float = 0.3) -> Map:
        """Coverage of a patch, `radius` units wide on average, its outline as uneven as `ragged` says."""
        height, width = self.image_size
        stretch, turn = rng.uniform(1.0, 1.5), rng.uniform(0, math.pi)
        x = np.arange(width, dtype=np.float32)[None] - center[0]
        y = np.arange(height, dtype=np.float32)[:, None] - center[1]
        along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        distance = np.sqrt((along / stretch) ** 2 + (across * stretch) ** 2) / (radius * self.unit)
        inside = (1 + ragged * self.rough(rng, radius) - distance) * radius * self.unit
        return soft_step(np.asarray(inside, np.float32))

    def lines(self, paths: Sequence[Sequence[Point]], width: float) -> Map:
        """Coverage of bent lines, `width` units thick; below one pixel they get fainter instead of thinner."""
        width_px = width * self.unit
        mask = np.zeros(self.image_size, np.uint8)
        bends = [_fixed_point(path) for path in paths]
        cv2.polylines(mask, bends, False, (255,), max(1, round(width_px)), cv2.LINE_AA, SUBPIXEL_BITS)
        return mask.astype(np.float32) * (min(1.0, width_px + 0.25) / 255)

    def polygons(self, outlines: Sequence[Sequence[Point]]) -> Map:
        """Coverage of filled polygons."""
        mask = np.zeros(self.image_size, np.uint8)
        for outline in outlines:
            cv2.fillPoly(mask, [_fixed_point(outline)], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
        return np.asarray(mask / 255, np.float32)


def soft_step(distance_px: Map) -> Map:
    """Coverage from the signed distance to an edge, in pixels, positive inside; the edge is two pixels wide."""
    cover: Map = np.clip(0.5 + distance_px / 2, 0, 1).astype(np.float32, copy=False)
    return cover


def shaded(color: Color, light: Map) -> Map:
    """Picture (H, W, 3) of one colour under uneven light, 1 where it is as given."""
    return np.asarray(light[..., None] * np.array(color), np.float32)


def pick_color(rng: np.random.Generator, colors: Sequence[Color], spread: float = 8) -> Color:
    """One of the colours, changed a little: `spread` in brightness, half as much in each channel."""
    color = colors[int(rng.integers(len(colors)))]
    red, green, blue = np.clip(np.array(color) + rng.normal(0, spread) + rng.normal(0, spread / 2, 3), 4, 250).tolist()
    return red, green, blue


def _fixed_point(points: Sequence[Point]) -> npt.NDArray[np.int32]:
    return np.asarray(np.round(np.array(points) * 2**SUBPIXEL_BITS), np.int32)
