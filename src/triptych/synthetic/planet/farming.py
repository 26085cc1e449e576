"""Farming on a made-up tile: regular fields, small plots in the forest, and burnt plots."""

import math

import numpy as np
import numpy.typing as npt

from triptych.synthetic.planet.canvas import Color, Map, TileCanvas, pick_color, shaded

_CROPS: tuple[Color, ...] = (
    (118, 132, 74), (136, 146, 92), (160, 146, 100), (178, 158, 122), (96, 120, 66), (150, 120, 98), (128, 128, 84),
)  # fmt: skip
_PLOTS: tuple[Color, ...] = ((150, 138, 96), (168, 138, 112), (110, 128, 70), (176, 156, 124))
_CHAR: tuple[Color, ...] = ((36, 28, 28), (46, 34, 30), (30, 28, 32))
_EMBERS: Color = (98, 66, 52)


def draw_agriculture(canvas: TileCanvas) -> None:
    """Draws a grid of fields that begins at one side of the tile; each field has its own colour."""
    rng = canvas.rng("agriculture")
    along, across = _farm_axes(canvas, rng)
    cells = _cells(canvas, rng, along, across)
    colors = np.array([pick_color(rng, _CROPS) for _ in range(int(cells.max()) + 1)], np.float32)
    colors += rng.uniform(0.2, 0.7) * (colors[0] - colors)  # the fields of one tile look alike
    farmed = _farmed(canvas, rng, cells)[cells]
    furrows = rng.uniform(0, 0.05) * np.sin(along * (2 * math.pi / max(3.2 * canvas.unit, 2.5)))
    light = 1 + furrows + 0.08 * canvas.rough(rng, 14) + 0.03 * canvas.noise(rng, 2)
    hedges = _borders(cells) * farmed
    canvas.paint(farmed * canvas.untouched, colors[cells] * light[..., None], "agriculture")
    canvas.paint(0.55 * hedges * canvas.seen["agriculture"], pick_color(rng, ((66, 78, 46), (196, 176, 142))))


def _farm_axes(canvas: TileCanvas, rng: np.random.Generator) -> tuple[Map, Map]:
    """Coordinates in pixels along and across the fields, each (H, W), from an origin outside the tile."""
    height, width = canvas.image_size
    turn = rng.uniform(0, math.pi / 2)
    x, y = np.arange(width, dtype=np.float32)[None], np.arange(height, dtype=np.float32)[:, None]
    return x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn) + width


def _cells(canvas: TileCanvas, rng: np.random.Generator, along: Map, across: Map) -> npt.NDArray[np.int64]:
    """Number of the field at each pixel, (H, W); the columns of fields differ in width, and so do the rows."""
    steps = rng.uniform(16, 52, (2, 24)) * canvas.unit
    rows, columns = (np.searchsorted(np.cumsum(step), axis) for step, axis in zip(steps, (across, along), strict=True))
    numbers = np.unique(rows * 32 + columns, return_inverse=True)[1]
    return np.asarray(numbers.reshape(canvas.image_size), np.int64)


def _farmed(canvas: TileCanvas, rng: np.random.Generator, cells: npt.NDArray[np.int64]) -> Map:
    """1 for each field that is farmed, 0 for the others.

    Farmed are the fields nearest to one side, up to a random fraction of the free ground.
    """
    width, turn = cells.shape[1], rng.uniform(0, 2 * math.pi)
    pixels = np.bincount(cells.ravel())
    free = np.bincount(cells.ravel(), canvas.untouched.ravel())
    rows, columns = np.divmod(np.arange(cells.size), width)
    position = (columns * math.cos(turn) + rows * math.sin(turn)).ravel()
    order = np.argsort(np.bincount(cells.ravel(), position) / pixels + rng.normal(0, 0.06 * width, len(pixels)))
    before = np.cumsum(free[order]) - free[order]
    farmed = np.zeros(len(pixels), np.float32)
    farmed[order[before < rng.uniform(0.18, 0.5) * free.sum()]] = 1
    return farmed


def _borders(cells: npt.NDArray[np.int64]) -> Map:
    edge = np.zeros(cells.shape, np.float32)
    edge[1:] += cells[1:] != cells[:-1]
    edge[:, 1:] += cells[:, 1:] != cells[:, :-1]
    return np.minimum(edge, 1)


def draw_cultivation(canvas: TileCanvas) -> None:
    """Draws a few small, uneven plots in the forest."""
    rng = canvas.rng("cultivation")
    for _ in range(int(rng.integers(2, 5))):
        radius = rng.uniform(6, 11)
        plot = canvas.blob(rng, canvas.free_spot(rng, radius), radius, 0.3)
        light = 1 + 0.12 * canvas.noise(rng, 2.5) + 0.08 * canvas.noise(rng, 8)
        canvas.paint(plot, shaded(pick_color(rng, _PLOTS), light), "cultivation")


def draw_slash_burn(canvas: TileCanvas) -> None:
    """Draws one or two burnt plots: black, with patches of brown earth."""
    rng = canvas.rng("slash_burn")
    for _ in range(int(rng.integers(1, 3))):
        radius = rng.uniform(9, 14)
        plot = canvas.blob(rng, canvas.free_spot(rng, radius), radius, 0.25)
        canvas.paint(plot, shaded(pick_color(rng, _CHAR, 4), 1 + 0.2 * canvas.noise(rng, 2)), "slash_burn")
        glow = np.clip(0.3 + 0.6 * canvas.rough(rng, 7), 0, 0.85) * plot
        canvas.paint(glow, _EMBERS)
