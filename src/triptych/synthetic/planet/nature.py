"""Nature on a made-up tile: forest, water, bare ground, trees in bloom, trees blown down by a storm."""

import math

import numpy as np

from triptych.synthetic.planet.canvas import Color, Map, Point, TileCanvas, pick_color, shaded, soft_step

_LEAVES: tuple[Color, ...] = ((44, 64, 40), (36, 58, 46), (58, 72, 38), (48, 62, 54), (40, 70, 44), (62, 68, 52))
_WATERS: tuple[Color, ...] = ((150, 118, 78), (166, 138, 100), (128, 104, 76), (22, 30, 40), (34, 44, 46))
_SOILS: tuple[Color, ...] = ((176, 146, 112), (160, 120, 92), (190, 170, 138), (150, 128, 108))
_BLOSSOMS: tuple[Color, ...] = ((232, 206, 84), (226, 150, 178), (236, 222, 150))

_CROWN = 3.2
"""Width of a tree's crown, in units."""


def _crowns(canvas: TileCanvas, rng: np.random.Generator, size: float, relief: float) -> Map:
    """Brightness (H, W) of a forest from above, about 1: crowns `size` units wide, brighter on the side of the sun.

    `relief` is the contrast, about 1.
    """
    height = canvas.noise(rng, size) + 0.6 * canvas.noise(rng, size / 2)
    turn = rng.uniform(0, 2 * math.pi)
    down, right = np.gradient(height)
    slope = (down * math.sin(turn) + right * math.cos(turn)) * (size * canvas.unit / 2)
    return np.asarray(1 + relief * (0.13 * slope + 0.13 * height) + 0.06 * canvas.rough(rng, 48), np.float32)


def draw_forest(canvas: TileCanvas) -> None:
    """Covers the tile with forest; everything else is drawn over it."""
    rng = canvas.rng("primary")
    light = _crowns(canvas, rng, _CROWN * rng.uniform(0.7, 1.25), rng.uniform(0.5, 1.3))
    canvas.image[:] = shaded(pick_color(rng, _LEAVES, 5), light)
    canvas.seen["primary"] = np.ones_like(light)


def draw_water(canvas: TileCanvas) -> None:
    """Draws a river, sometimes a wide one; if nothing has been drawn yet, the whole tile is water."""
    rng = canvas.rng("water")
    color = pick_color(rng, _WATERS)
    streaks = 1 + 0.025 * canvas.rough(rng, 24)
    if not canvas.seen:
        canvas.paint(np.ones_like(streaks), shaded(color, streaks), "water")
        return
    width = rng.uniform(5, 12) if rng.random() < 0.75 else rng.uniform(18, 34)
    path = _meander(canvas, rng, swing=rng.uniform(6, 15))
    bank = canvas.lines([path], width + 3) * soft_step(2 * canvas.noise(rng, 14))
    canvas.paint(0.8 * bank, pick_color(rng, _SOILS))
    canvas.paint(canvas.lines([path], width), shaded(color, streaks), "water")


def _meander(canvas: TileCanvas, rng: np.random.Generator, swing: float) -> list[Point]:
    """Points of a winding line across the tile, about `swing` units to either side of a straight line."""
    (x0, y0), (x1, y1) = crossing(canvas, rng)
    length = math.hypot(x1 - x0, y1 - y0)
    fraction = np.linspace(0, 1, 90)
    waves, phase = rng.uniform(1.5, 4.0), rng.uniform(0, 2 * math.pi)
    shift = np.sin(2 * math.pi * waves * fraction + phase) + 0.4 * np.sin(1.1 * math.pi * waves * fraction - phase)
    shift *= swing * canvas.unit
    xs = x0 + fraction * (x1 - x0) - shift * (y1 - y0) / length
    ys = y0 + fraction * (y1 - y0) + shift * (x1 - x0) / length
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def crossing(canvas: TileCanvas, rng: np.random.Generator) -> tuple[Point, Point]:
    """The two ends, outside the tile, of a straight line that passes near its middle."""
    height, width = canvas.image_size
    turn, aside = rng.uniform(0, math.pi), rng.uniform(-0.28, 0.28) * min(height, width)
    reach = 0.8 * math.hypot(height, width)
    x, y = width / 2 - aside * math.sin(turn), height / 2 + aside * math.cos(turn)
    dx, dy = reach * math.cos(turn), reach * math.sin(turn)
    return (x - dx, y - dy), (x + dx, y + dy)


def draw_bare_ground(canvas: TileCanvas) -> None:
    """Draws a wide patch of bare soil; if nothing has been drawn yet, the whole tile is soil."""
    rng = canvas.rng("bare_ground")
    soil = shaded(pick_color(rng, _SOILS), 1 + 0.10 * canvas.rough(rng, 26) + 0.03 * canvas.noise(rng, 2))
    if not canvas.seen:
        canvas.paint(np.ones(canvas.image_size, np.float32), soil, "bare_ground")
        _draw_scrub(canvas, rng)
        return
    radius = rng.uniform(17, 26)
    patch = canvas.blob(rng, canvas.free_spot(rng, 0.8 * radius), radius, 0.25)
    canvas.paint(patch, soil, "bare_ground")


def _draw_scrub(canvas: TileCanvas, rng: np.random.Generator) -> None:
    scrub = soft_step(3 * (canvas.rough(rng, 30) - 1.1))
    canvas.paint(0.6 * scrub, pick_color(rng, ((112, 104, 70), (96, 84, 68))))


def draw_blooming(canvas: TileCanvas) -> None:
    """Draws scattered trees in bloom where the forest is free."""
    rng = canvas.rng("blooming")
    color = pick_color(rng, _BLOSSOMS, 6)
    height, width = canvas.image_size
    trees = np.zeros(canvas.image_size, np.float32)
    for _ in range(int(rng.integers(22, 45))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        trees = np.maximum(trees, disc(canvas, (x, y), rng.uniform(1.0, 2.0)))
    canvas.paint(0.9 * trees * canvas.untouched, color, "blooming")


def disc(canvas: TileCanvas, center: Point, radius: float) -> Map:
    """Coverage of a disc; `radius` is in units."""
    height, width = canvas.image_size
    x = np.arange(width, dtype=np.float32)[None] - center[0]
    y = np.arange(height, dtype=np.float32)[:, None] - center[1]
    return soft_step(radius * canvas.unit - np.sqrt(x * x + y * y))


def draw_blow_down(canvas: TileCanvas) -> None:
    """Draws a fan of fallen trunks, as left by a downburst (a storm wind from above)."""
    rng = canvas.rng("blow_down")
    x, y = canvas.free_spot(rng, 22)
    turn, opening, length = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.8), rng.uniform(30, 42) * canvas.unit
    x, y = x - 0.5 * length * math.cos(turn), y - 0.5 * length * math.sin(turn)

    def ray(angle: float, near: float, far: float) -> list[Point]:
        dx, dy = length * math.cos(turn + angle), length * math.sin(turn + angle)
        return [(x + near * dx, y + near * dy), (x + far * dx, y + far * dy)]

    rim = [ray(angle, 0, 1)[1] for angle in np.linspace(-opening, opening, 9).tolist()]
    fan = canvas.polygons([[(x, y), *rim]])
    thinned = np.clip(0.7 + 0.2 * canvas.rough(rng, 9), 0.35, 0.9)
    canvas.paint(thinned * fan, pick_color(rng, ((112, 96, 68), (122, 108, 84))), "blow_down")
    starts, angles = rng.uniform(0.1, 0.85, 60).tolist(), rng.uniform(-opening, opening, 60).tolist()
    trunks = [ray(angle, near, near + 0.14) for near, angle in zip(starts, angles, strict=True)]
    canvas.paint(0.8 * canvas.lines(trunks, 0.8), pick_color(rng, ((198, 184, 158),)), "blow_down")
