"""One made-up satellite tile: land, what is on it, the weather above, and what the satellite's camera makes of it."""

import numpy as np
import numpy.typing as npt

from triptych.synthetic.planet.canvas import TileCanvas
from triptych.synthetic.planet.farming import draw_agriculture, draw_cultivation, draw_slash_burn
from triptych.synthetic.planet.nature import draw_bare_ground, draw_blooming, draw_blow_down, draw_forest, draw_water
from triptych.synthetic.planet.tags import draw_tags
from triptych.synthetic.planet.weather import draw_clouds, draw_haze, draw_overcast
from triptych.synthetic.planet.works import (
    draw_artisinal_mine,
    draw_conventional_mine,
    draw_habitation,
    draw_road,
    draw_selective_logging,
)

LAND = {
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
"""From the large to the small, so that the small finds room beside the large."""

WEATHER = {"partly_cloudy": draw_clouds, "haze": draw_haze, "cloudy": draw_overcast}


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
    """The tags alone of tile `index` of a made-up set, without drawing it."""
    return draw_tags(np.random.default_rng([seed, index]))


def tile_with(
    tags: tuple[str, ...], seed: int, index: int, image_size: tuple[int, int] = (128, 128)
) -> npt.NDArray[np.uint8]:
    """Draws a tile with given tags; what two lists have in common looks alike where the rest does not lie over it.

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
    """Draws all but the camera's grain; the canvas knows where each thing on the ground can be seen.

    Args:
        tags: What to draw, as for `tile_with`.
        keys: Seed of the data set and number of the tile.
        image_size: (height, width) in pixels.
    """
    canvas = TileCanvas(keys, image_size)
    for tag in LAND:
        if tag in tags:
            LAND[tag](canvas)
    way = draw_road(canvas) if "road" in tags else []
    if "habitation" in tags:
        draw_habitation(canvas, way)
    _light(canvas)
    for tag in WEATHER:
        if tag in tags:
            WEATHER[tag](canvas)
    return canvas


def _light(canvas: TileCanvas) -> None:
    """Gives the land the colours of one day: more or less bright, tinted, greyed by the air between."""
    rng = canvas.rng("light")
    gray = canvas.image.mean(axis=2, keepdims=True)
    canvas.image += rng.uniform(0.1, 0.4) * (gray - canvas.image)
    gain, air = rng.uniform(0.85, 1.1) * rng.uniform(0.94, 1.06, 3), rng.uniform(0, 10) + rng.uniform(0, 6, 3)
    canvas.image *= gain.astype(np.float32)
    canvas.image += air.astype(np.float32)


def _developed(canvas: TileCanvas) -> npt.NDArray[np.uint8]:
    """The picture with the camera's grain."""
    grain = canvas.rng("grain").standard_normal(canvas.image_size, np.float32)[..., None]
    return np.clip(canvas.image + 1.5 * grain, 0, 255).astype(np.uint8)
