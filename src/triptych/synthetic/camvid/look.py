"""Appearance of a made-up street: light, colours and sizes. Each drive has one `Street`, chosen by (seed, drive)."""

from dataclasses import dataclass

import numpy as np

Color = tuple[float, float, float]
"""Red, green and blue in [0, 255]."""


@dataclass(frozen=True)
class Light:
    """Light at one time of day.

    Args:
        sky_top: Colour of the sky at the top of the image.
        sky_low: Colour of the sky at the horizon, and of the haze that far things fade into.
        tint: Factors on red, green and blue of every surface.
        contrast: How much darker shaded sides and shadows are, in [0, 1]; close to 0 on an overcast day.
        lit_windows: Fraction of windows with a lamp on, in [0, 1].
        clouds: Number of clouds in the sky.
    """

    sky_top: Color
    sky_low: Color
    tint: Color
    contrast: float
    lit_windows: float
    clouds: int


_LIGHTS: tuple[Light, ...] = (
    Light((92, 152, 222), (206, 228, 244), (1.06, 1.04, 1.00), 0.40, 0.00, 6),  # noon
    Light((126, 168, 212), (252, 224, 190), (1.10, 1.00, 0.88), 0.46, 0.08, 4),  # morning
    Light((172, 180, 190), (216, 219, 222), (0.90, 0.93, 0.97), 0.10, 0.12, 9),  # overcast
    Light((88, 92, 150), (246, 178, 140), (0.86, 0.74, 0.78), 0.28, 0.40, 5),  # dusk
)

_WALLS: tuple[tuple[Color, ...], ...] = (
    ((168, 92, 74), (184, 112, 88), (150, 84, 70), (196, 140, 108)),  # brick
    ((226, 188, 168), (186, 208, 192), (236, 220, 180), (178, 196, 216), (222, 168, 160)),  # pastel plaster
    ((214, 198, 164), (200, 184, 152), (226, 214, 188), (182, 164, 134)),  # sandstone
    ((140, 134, 126), (128, 112, 98), (168, 160, 150), (112, 108, 110)),  # stock brick and concrete
)
ROOFS: tuple[Color, ...] = ((120, 66, 54), (88, 84, 92), (104, 78, 66), (72, 76, 84))
_FENCES: tuple[Color, ...] = ((136, 104, 76), (120, 120, 118), (214, 210, 200), (92, 104, 84))
PAINTS: tuple[Color, ...] = (
    (186, 44, 42), (44, 84, 150), (236, 234, 228), (44, 46, 52), (120, 122, 126),
    (176, 180, 184), (72, 112, 84), (222, 178, 66), (112, 84, 68), (84, 156, 172),
)  # fmt: skip
CLOTHES: tuple[Color, ...] = (
    (178, 52, 58), (48, 72, 128), (222, 200, 120), (58, 58, 64), (116, 138, 96),
    (224, 222, 216), (130, 86, 132), (196, 118, 62), (96, 100, 108),
)  # fmt: skip
SKINS: tuple[Color, ...] = ((236, 196, 168), (204, 152, 116), (142, 98, 72), (104, 72, 56))
LAMPLIGHT: Color = (255, 222, 140)


@dataclass(frozen=True)
class Street:
    """What stays the same during one drive. Units: metres, metres per second; probabilities are in [0, 1].

    Args:
        seed: Seed of the data set.
        drive: Number of the drive.
        light: Time of day.
        sun_side: -1 if the sun is on the left, 1 if it is on the right.
        road_half: Half the width of the road.
        sidewalk: Width of each sidewalk.
        curve: Sideways shift of the road per squared metre ahead; negative bends to the left.
        horizon: Row of the horizon as a fraction of the image's height.
        speed: Speed of the camera.
        walls: Colours of the houses.
        road: Colour of the road.
        pavement: Colour of the sidewalks.
        leaves: Colour of the trees.
        fence: Colour of the fences.
        hood: Colour of the camera car.
        greenery: Probability of a tree at the kerb of a lot.
        gardens: Probability of a garden instead of a house on a lot.
        parking: Probability of a parked car in front of a lot.
        walkers: Number of pedestrians in sight.
        traffic: Number of oncoming cars in sight.
        cyclists: Number of cyclists in sight.
    """

    seed: int
    drive: int
    light: Light
    sun_side: int
    road_half: float
    sidewalk: float
    curve: float
    horizon: float
    speed: float
    walls: tuple[Color, ...]
    road: Color
    pavement: Color
    leaves: Color
    fence: Color
    hood: Color
    greenery: float
    gardens: float
    parking: float
    walkers: int
    traffic: int
    cyclists: int

    @property
    def camera_x(self) -> float:
        """Sideways position of the camera: in the left lane, as in Cambridge; 0 is the middle of the road."""
        return -0.3 * self.road_half

    @property
    def facade_x(self) -> float:
        """Distance of the house fronts from the middle of the road."""
        return self.road_half + self.sidewalk

    def rng(self, *keys: int) -> np.random.Generator:
        """Random generator for one thing in this street; `keys`, each at least 0, identify the thing."""
        return np.random.default_rng([self.seed, self.drive, *keys])


def street_look(seed: int, drive: int) -> Street:
    """Chooses the appearance of one drive at random; the lights take turns, so that a few drives show all of them."""
    rng = np.random.default_rng([seed, drive])
    gray, warmth = rng.uniform(78, 122), rng.uniform(-5, 5)
    pale, sandy = rng.uniform(140, 186), rng.uniform(0, 14)
    leaf = rng.uniform(-18, 18)
    return Street(
        seed=seed,
        drive=drive,
        light=_LIGHTS[(drive + seed) % len(_LIGHTS)],
        sun_side=int(rng.choice((-1, 1))),
        road_half=float(rng.uniform(4.6, 5.6)),
        sidewalk=float(rng.uniform(3.0, 5.0)),
        curve=float(rng.uniform(-0.0035, 0.0035)),
        horizon=float(rng.uniform(0.43, 0.50)),
        speed=float(rng.uniform(3.0, 5.0)),
        walls=_WALLS[int(rng.integers(len(_WALLS)))],
        road=(gray + warmth, gray, gray - warmth + 4),
        pavement=(pale + sandy, pale + sandy / 2, pale - sandy),
        leaves=(92 + leaf, 132 + leaf / 2, 62 - leaf / 2),
        fence=_FENCES[int(rng.integers(len(_FENCES)))],
        hood=PAINTS[int(rng.integers(len(PAINTS)))],
        greenery=float(rng.uniform(0.15, 0.6)),
        gardens=float(rng.uniform(0.12, 0.45)),
        parking=float(rng.uniform(0.1, 0.5)),
        walkers=int(rng.integers(9, 20)),
        traffic=int(rng.integers(1, 4)),
        cyclists=int(rng.integers(1, 4)),
    )
