"""The weather over a made-up tile: exactly one of clear, partly cloudy, haze and cloudy."""

import math

import cv2
import numpy as np

from triptych.synthetic.planet.canvas import Color, Map, Point, TileCanvas, pick_color, shaded

_CLOUD_WHITE: Color = (238, 236, 232)
_VEILS: tuple[Color, ...] = ((164, 174, 166), (172, 174, 162), (158, 168, 174), (178, 168, 156))

_MIN_VISIBLE = 0.6
"""Fraction of each tagged thing that clouds leave visible, at least."""


def draw_clouds(canvas: TileCanvas) -> None:
    """Draws separate clouds with their shadows, placed so that every tagged thing stays visible."""
    rng = canvas.rng("partly_cloudy")
    turn, away = rng.uniform(0, 2 * math.pi), rng.uniform(14, 26) * canvas.unit
    shift = (away * math.cos(turn), away * math.sin(turn))
    wanted = {tag: _MIN_VISIBLE * float(seen.sum()) for tag, seen in canvas.seen.items()}
    clouds = np.zeros(canvas.image_size, np.float32)
    for _ in range(int(rng.integers(2, 6))):
        cloud = _fitting_cloud(canvas, rng, wanted)
        canvas.hide(cloud)
        clouds = np.maximum(clouds, cloud)
    canvas.paint(0.55 * _shifted(clouds, shift), (10, 14, 18))
    canvas.paint(clouds, shaded(_CLOUD_WHITE, 0.97 + 0.07 * canvas.rough(rng, 10)))


def _fitting_cloud(canvas: TileCanvas, rng: np.random.Generator, wanted: dict[str, float]) -> Map:
    """Coverage of a cloud at the place where it hides least; it shrinks until enough of each tag is visible."""
    radius = rng.uniform(9, 20)
    while True:
        center = _least_covering(canvas, rng, radius)
        cloud = _cloud(canvas, rng, center, radius)
        left = {tag: float((seen * (1 - cloud)).sum()) for tag, seen in canvas.seen.items()}
        if radius < 2 or all(left[tag] >= wanted[tag] for tag in wanted):
            return cloud
        radius *= 0.75


def _least_covering(canvas: TileCanvas, rng: np.random.Generator, radius: float) -> Point:
    """Of some random points, the one where a square of the cloud's size hides the smallest fraction of any tag."""
    height, width = canvas.image_size
    reach = radius * canvas.unit

    def hidden(spot: list[float]) -> float:
        x, y = spot
        rows, columns = (slice(max(0, round(c - reach)), max(0, round(c + reach))) for c in (y, x))
        return max(float(seen[rows, columns].sum() / (seen.sum() + 1)) for seen in canvas.seen.values())

    x, y = min(rng.uniform(0, (width, height), (6, 2)).tolist(), key=hidden)
    return x, y


def _cloud(canvas: TileCanvas, rng: np.random.Generator, center: Point, radius: float) -> Map:
    core = canvas.blob(rng, center, radius, 0.45)
    puff = canvas.blob(rng, center, 1.2 * radius, 0.45)
    wisps = 0.5 + 0.3 * canvas.rough(rng, radius / 2)
    ragged = np.maximum(core, puff * np.clip(wisps, 0, 0.8))
    soft = cv2.GaussianBlur(ragged, (0, 0), max(1.6 * canvas.unit, 0.5))
    return np.asarray(soft, np.float32)


def _shifted(cover: Map, shift: Point) -> Map:
    down, right = round(shift[1]), round(shift[0])
    moved = np.roll(cover, (down, right), axis=(0, 1))
    rows, columns = np.arange(cover.shape[0]), np.arange(cover.shape[1])
    inside_rows = (rows - down >= 0) & (rows - down < len(rows))
    inside_columns = (columns - right >= 0) & (columns - right < len(columns))
    moved *= inside_rows[:, None] & inside_columns
    return moved


def draw_haze(canvas: TileCanvas) -> None:
    """Draws a whitish veil over everything, with uneven opacity."""
    rng = canvas.rng("haze")
    veil = rng.uniform(0.5, 0.66) + 0.05 * canvas.noise(rng, 50)
    canvas.paint(np.clip(veil, 0.4, 0.75), pick_color(rng, _VEILS))


def draw_overcast(canvas: TileCanvas) -> None:
    """Covers everything with clouds."""
    rng = canvas.rng("cloudy")
    light = 1 + rng.uniform(0.04, 0.12) * canvas.rough(rng, rng.uniform(24, 60)) + 0.015 * canvas.noise(rng, 4)
    canvas.image[:] = shaded(pick_color(rng, (_CLOUD_WHITE, (212, 210, 206), (190, 192, 190)), 5), light)
