"""What people built or dug on a made-up tile: roads, settlements, logging tracks and mines."""

import math

import numpy as np

from triptych.synthetic.planet.canvas import Color, Point, TileCanvas, pick_color, shaded
from triptych.synthetic.planet.nature import crossing, disc

_DIRT: tuple[Color, ...] = ((206, 178, 142), (196, 158, 128), (216, 200, 174), (184, 164, 140))
_ROOFS: tuple[Color, ...] = ((238, 234, 226), (206, 202, 198), (184, 118, 94), (150, 140, 134), (228, 214, 190))
_PITS: tuple[Color, ...] = ((214, 190, 146), (204, 172, 124), (222, 204, 170))
_PONDS: tuple[Color, ...] = ((70, 164, 158), (92, 178, 164), (62, 148, 150))
_ROCKS: tuple[Color, ...] = ((168, 148, 132), (150, 138, 132), (178, 144, 120))


def draw_road(canvas: TileCanvas) -> list[Point]:
    """Draws a dirt road from edge to edge, sometimes with a branch; returns its path in pixels."""
    rng = canvas.rng("road")
    path = _bent(canvas, rng, *crossing(canvas, rng))
    paths = [path]
    if rng.random() < 0.5:
        paths.append(_branch(canvas, rng, path))
    width = rng.uniform(1.3, 2.6)
    canvas.paint(0.35 * canvas.lines(paths, width + 2.5), (104, 104, 70))
    canvas.paint(0.95 * canvas.lines(paths, width), pick_color(rng, _DIRT), "road")
    return path


def _branch(canvas: TileCanvas, rng: np.random.Generator, path: list[Point]) -> list[Point]:
    """Path that leaves the road near its middle, to one side."""
    (x, y), (x1, y1) = path[int(rng.integers(4, 8))], path[8]
    turn = math.atan2(y1 - y, x1 - x) + float(rng.choice((-1, 1))) * rng.uniform(0.8, 1.9)
    reach = 1.2 * math.hypot(*canvas.image_size)
    return _bent(canvas, rng, (x, y), (x + reach * math.cos(turn), y + reach * math.sin(turn)))


def _bent(canvas: TileCanvas, rng: np.random.Generator, start: Point, end: Point) -> list[Point]:
    """Almost straight path of 13 points."""
    fraction = np.linspace(0, 1, 13)[:, None]
    drift = np.cumsum(rng.normal(0, 1.2 * canvas.unit, (13, 2)), axis=0)
    points = np.array(start) + fraction * (np.array(end) - np.array(start)) + drift - drift[:1]
    return [(x, y) for x, y in points.tolist()]


def draw_habitation(canvas: TileCanvas, path: list[Point]) -> None:
    """Draws one or two groups of houses on cleared ground: along the `path` of a road, or anywhere if it is empty."""
    rng = canvas.rng("habitation")
    height, width = canvas.image_size
    inside = [(x, y) for x, y in path if 0.12 < x / width < 0.88 and 0.12 < y / height < 0.88]
    for _ in range(int(rng.integers(1, 3))):
        x, y = inside[int(rng.integers(len(inside)))] if inside else canvas.free_spot(rng, 10)
        _draw_cluster(canvas, rng, (x, y))


def _draw_cluster(canvas: TileCanvas, rng: np.random.Generator, center: Point) -> None:
    radius, turn = rng.uniform(8, 14), rng.uniform(0, math.pi / 2)
    yard = canvas.blob(rng, center, radius, 0.3)
    canvas.paint(0.45 * yard, pick_color(rng, _DIRT))
    canvas.hide(0.45 * yard)
    lots = np.argwhere(rng.random((7, 7)) < rng.uniform(0.4, 0.7)) - 3.0
    for across, along in (lots + rng.normal(0, 0.16, lots.shape)).tolist():
        if math.hypot(across, along) < 3.6:
            step = radius / 3.4 * canvas.unit
            dx, dy = along * math.cos(turn) - across * math.sin(turn), along * math.sin(turn) + across * math.cos(turn)
            _draw_house(canvas, rng, (center[0] + step * dx, center[1] + step * dy), turn)


def _draw_house(canvas: TileCanvas, rng: np.random.Generator, center: Point, turn: float) -> None:
    half, deep = rng.uniform(0.8, 1.5, 2).tolist()
    cos, sin = canvas.unit * math.cos(turn), canvas.unit * math.sin(turn)
    corners = ((-half, -deep), (half, -deep), (half, deep), (-half, deep))
    outline = [(center[0] + a * cos - b * sin, center[1] + a * sin + b * cos) for a, b in corners]
    shade = [(x + 0.9 * canvas.unit, y + 0.9 * canvas.unit) for x, y in outline]
    canvas.paint(0.5 * canvas.polygons([shade]), (48, 46, 42))
    canvas.paint(canvas.polygons([outline]), pick_color(rng, _ROOFS), "habitation")


def draw_selective_logging(canvas: TileCanvas) -> None:
    """Draws thin logging tracks in a part of the forest, with small gaps where trees were cut."""
    rng = canvas.rng("selective_logging")
    x, y = canvas.free_spot(rng, 26)
    main, length = rng.uniform(0, math.pi), rng.uniform(34, 48) * canvas.unit
    tracks: list[list[Point]] = [_track(canvas, rng, (x, y), main, length)]
    for offset in np.linspace(-0.45, 0.45, int(rng.integers(6, 10))).tolist():
        middle = (x + offset * length * math.cos(main), y + offset * length * math.sin(main))
        tracks.append(_track(canvas, rng, middle, main + rng.uniform(0.7, 1.9), rng.uniform(12, 32) * canvas.unit))
    color = pick_color(rng, ((176, 158, 128), (166, 142, 116)))
    canvas.paint(0.85 * canvas.lines(tracks, 0.8), color, "selective_logging")
    for track in tracks:
        gap = disc(canvas, track[int(rng.integers(1, 6))], rng.uniform(0.8, 1.8))
        canvas.paint(0.8 * gap, color, "selective_logging")


def _track(canvas: TileCanvas, rng: np.random.Generator, center: Point, turn: float, length: float) -> list[Point]:
    """Path of seven points that winds a little."""
    along, across = np.linspace(-0.5, 0.5, 7) * length, rng.normal(0, 0.9 * canvas.unit, 7)
    xs = center[0] + along * math.cos(turn) - across * math.sin(turn)
    ys = center[1] + along * math.sin(turn) + across * math.cos(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def draw_artisinal_mine(canvas: TileCanvas) -> None:
    """Draws a row of uneven sandy pits, each with a turquoise pond; a pond belongs to the mine and is not `water`."""
    rng = canvas.rng("artisinal_mine")
    x, y = canvas.free_spot(rng, 22)
    turn = rng.uniform(0, math.pi)
    sand, pond = pick_color(rng, _PITS), pick_color(rng, _PONDS, 5)
    for step in np.linspace(-1, 1, int(rng.integers(3, 5))).tolist():
        reach = 17 * step * canvas.unit
        place = (x + reach * math.cos(turn), y + reach * math.sin(turn))
        pit = canvas.blob(rng, place, rng.uniform(8, 11), 0.45)
        canvas.paint(pit, shaded(sand, 1 + 0.12 * canvas.rough(rng, 6)), "artisinal_mine")
        shift = rng.normal(0, 2.5 * canvas.unit, 2)
        canvas.paint(canvas.blob(rng, (place[0] + shift[0], place[1] + shift[1]), 3.5, 0.4), pond, "artisinal_mine")


def draw_conventional_mine(canvas: TileCanvas) -> None:
    """Draws one large pit in terraces, with a turquoise pond at its bottom."""
    rng = canvas.rng("conventional_mine")
    radius = rng.uniform(22, 30)
    center = canvas.free_spot(rng, 0.9 * radius)
    rock, shape = pick_color(rng, _ROCKS), int(rng.integers(2**31))
    light = 1 + 0.06 * canvas.rough(rng, 5)
    for terrace, fraction in enumerate((1.0, 0.84, 0.7, 0.56, 0.44)):
        wall = canvas.blob(np.random.default_rng(shape), center, fraction * radius, 0.08)
        canvas.paint(wall, shaded(rock, light * (0.66 - 0.04 * terrace)), "conventional_mine")
        floor = canvas.blob(np.random.default_rng(shape), center, fraction * radius - 1.6, 0.08)
        canvas.paint(floor, shaded(rock, light * (1.12 - 0.05 * terrace)), "conventional_mine")
    canvas.paint(canvas.blob(rng, center, 0.27 * radius, 0.2), pick_color(rng, _PONDS, 5), "conventional_mine")
