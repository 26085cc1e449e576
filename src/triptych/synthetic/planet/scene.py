"""One made-up satellite tile: land, what is on it, the weather above it, and the noise of the camera."""

import numpy as np
import numpy.typing as npt

from triptych.synthetic.planet.canvas import TileCanvas
from triptych.synthetic.planet.farming import draw_agriculture, draw_cultivation, draw_slash_burn
from triptych.synthetic.planet.nature import draw_bare_ground, draw_blooming, draw_blow_down, draw_forest, draw_water
from triptych.synthetic.planet.tags import random_tags
from triptych.synthetic.planet.weather import draw_clouds, draw_haze, draw_overcast
from triptych.synthetic.planet.works import (
    draw_artisinal_mine,
    draw_conventional_mine,
    draw_habitation,
    draw_road,
    draw_selective_logging,
)

_LAND = {
    "primary": draw_forest,
    "water": draw_water,
    "agriculture": draw_agriculture,
    "conventional_mine": draw_conventional_mine,
    "bare_ground": draw_bare_ground,
    "artisinal_mine": draw_artisinal_mine,
    "slash_burn": draw_slash_burn,
    "cultivation": draw_cultivation,
    "selective_logging": draw_selective_logging,
    "blow_down": draw_blow_down,
    "blooming": draw_blooming,
}
"""Ordered from large things to small ones, so that the small ones find free ground beside the large ones."""

_WEATHER = {"partly_cloudy": draw_clouds, "haze": draw_haze, "cloudy": draw_overcast}


def tile(
    seed: int, index: int, image_size: tuple[int, int] = (128, 128)
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Draws one tile of a made-up set; the same arguments give the same pixels and tags.

    Args:
        seed: Seed of the data set, at least 0.
        index: Number of the tile, at least 0.
        image_size: (height, width) in pixels.

    Returns:
        Image, uint8 (H, W, 3) RGB, and its tags in the order of `PLANET_TAGS`.
    """
    tags = tile_tags(seed, index)
    return tile_with(tags, seed, index, image_size), tags


def tile_tags(seed: int, index: int) -> tuple[str, ...]:
    """Tags of tile `index` of a made-up set, without drawing it."""
    return random_tags(np.random.default_rng([seed, index]))


def tile_with(
    tags: tuple[str, ...], seed: int, index: int, image_size: tuple[int, int] = (128, 128)
) -> npt.NDArray[np.uint8]:
    """Draws a tile with given tags; each has its own random numbers, so one tag more leaves most of the tile as it is.

    Args:
        tags: What to draw, in any order: `cloudy` alone, or another weather and at least one thing on the ground.
        seed: Seed of the data set, at least 0.
        index: Number of the tile, at least 0.
        image_size: (height, width) in pixels.

    Returns:
        Image, uint8 (H, W, 3) RGB.
    """
    return _developed(draw_scene(tags, (seed, index), image_size))


def draw_scene(tags: tuple[str, ...], keys: tuple[int, int], image_size: tuple[int, int]) -> TileCanvas:
    """Draws all but the camera's noise; the canvas also holds where each thing on the ground is visible.

    Args:
        tags: What to draw, as for `tile_with`.
        keys: Seed of the data set and number of the tile.
        image_size: (height, width) in pixels.
    """
    canvas = TileCanvas(keys, image_size)
    for tag in _LAND:
        if tag in tags:
            _LAND[tag](canvas)
    path = draw_road(canvas) if "road" in tags else []
    if "habitation" in tags:
        draw_habitation(canvas, path)
    _light(canvas)
    for tag in _WEATHER:
        if tag in tags:
            _WEATHER[tag](canvas)
    return canvas


def _light(canvas: TileCanvas) -> None:
    """Gives the land the colours of one day: its brightness, its tint, and the grey of the air above."""
    rng = canvas.rng("light")
    gray = canvas.image.mean(axis=2, keepdims=True)
    canvas.image += rng.uniform(0.1, 0.4) * (gray - canvas.image)
    gain, air = rng.uniform(0.85, 1.1) * rng.uniform(0.94, 1.06, 3), rng.uniform(0, 10) + rng.uniform(0, 6, 3)
    canvas.image *= gain.astype(np.float32)
    canvas.image += air.astype(np.float32)


def _developed(canvas: TileCanvas) -> npt.NDArray[np.uint8]:
    """The image with the noise of the camera, uint8 (H, W, 3)."""
    grain = canvas.rng("grain").standard_normal(canvas.image_size, np.float32)[..., None]
    return np.clip(canvas.image + 1.5 * grain, 0, 255).astype(np.uint8)
