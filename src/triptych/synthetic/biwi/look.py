"""Appearance of a made-up person: skin, hair, clothes, room. Each folder has one `Person`, chosen by (seed, number)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

_T = TypeVar("_T")
Color = tuple[float, float, float]
"""Red, green and blue in [0, 255]."""

HairStyle = Literal["short", "curls", "bun", "bald", "long", "afro", "beanie", "bob", "scarf", "receding"]
Beard = Literal["none", "stubble", "moustache", "full"]
Clothes = Literal["plain", "stripes", "shirt", "jacket", "dots"]

_STYLES: tuple[HairStyle, ...] = (
    "short", "long", "curls", "bald", "bun", "receding", "scarf", "afro", "bob", "beanie",
)  # fmt: skip
_BEARDED: tuple[HairStyle, ...] = ("short", "curls", "bald", "receding", "afro", "beanie")
_BEARDS: tuple[Beard, ...] = ("none", "full", "stubble", "moustache")
_CLOTHES: tuple[Clothes, ...] = ("stripes", "shirt", "plain", "jacket", "dots")

SKIN_SCALE: tuple[Color, ...] = (
    (250, 220, 200), (240, 200, 168), (222, 172, 132), (190, 136, 98), (150, 100, 70), (112, 72, 50), (82, 53, 40),
)  # fmt: skip
"""Skin tones from light to dark; the skin of a person is a mixture of two neighbours."""

_DARK_HAIR: tuple[Color, ...] = ((40, 32, 30), (58, 40, 32), (30, 28, 34), (148, 146, 150))
_HAIR: tuple[Color, ...] = ((226, 190, 120), (168, 92, 48), (112, 74, 46), (62, 46, 40), (190, 188, 190), (40, 34, 34))
_EYES: tuple[Color, ...] = ((84, 130, 168), (96, 132, 88), (122, 84, 52), (70, 48, 36))
FABRICS: tuple[Color, ...] = (
    (206, 84, 78), (64, 104, 160), (238, 194, 92), (86, 142, 116), (240, 236, 226),
    (128, 92, 146), (66, 72, 86), (228, 142, 108), (104, 168, 184), (176, 96, 122),
)  # fmt: skip
_WALLS: tuple[Color, ...] = (
    (214, 196, 168), (176, 200, 190), (200, 140, 108), (168, 186, 212), (232, 222, 200),
    (140, 128, 150), (112, 134, 130), (222, 178, 158), (150, 118, 92), (190, 196, 160),
)  # fmt: skip
_FRAMES: tuple[Color, ...] = ((38, 36, 42), (120, 66, 44), (176, 52, 58), (70, 84, 110))

_STEPS = (0.8567, 0.7339, 0.6287, 0.5386)
"""Steps of an additive recurrence in four dimensions.

Source: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018.
"""


def quasirandom_numbers(seed: int, number: int) -> tuple[float, float, float, float]:
    """Four numbers in [0, 1) for each person; those of a few persons already cover the range evenly."""
    start = np.random.default_rng([seed, 1]).random(len(_STEPS))
    x, y, z, skin = ((start + number * np.array(_STEPS)) % 1).tolist()
    return x, y, z, skin


@dataclass(frozen=True)
class Person:
    """What is the same in all frames of a folder.

    Args:
        seed: Seed of the data set.
        number: Number of the person, at least 0.
        skin: Colour of the skin.
        hair: Colour of the hair, or of the cap or scarf over it.
        brows: Colour of brows and beard.
        eyes: Colour of the eyes.
        style: Kind of hair or headwear.
        beard: Kind of beard.
        glasses: Colour of the glasses; None without glasses.
        clothes: Kind of clothes.
        fabric: Colour of the clothes.
        second: Colour of stripes, of dots, or of the tie under a jacket.
        wall: Colour of the wall.
        width: Factor on the width of the head.
        light_x: Where the light comes from: -1 is the left, 1 the right.
        tint: Factors on red, green and blue of every surface.
    """

    seed: int
    number: int
    skin: Color
    hair: Color
    brows: Color
    eyes: Color
    style: HairStyle
    beard: Beard
    glasses: Color | None
    clothes: Clothes
    fabric: Color
    second: Color
    wall: Color
    width: float
    light_x: float
    tint: Color

    def rng(self, *keys: int) -> np.random.Generator:
        """Random generator for one thing about this person; `keys`, each at least 0, identify the thing."""
        return np.random.default_rng([self.seed, 2, self.number, *keys])


def portrait_look(seed: int, number: int) -> Person:
    """Chooses one person at random; styles, clothes and walls take turns, so that a few persons show all of them."""
    rng = np.random.default_rng([seed, 2, number])
    style, fabric = _turn(seed, number, 0, _STYLES), _turn(seed, number, 1, FABRICS)
    darkness = quasirandom_numbers(seed, number)[3]
    natural = pick(rng, _DARK_HAIR if darkness > 0.5 else _HAIR)
    warmth = float(rng.uniform(-0.06, 0.06))
    return Person(
        seed=seed,
        number=number,
        skin=_skin(darkness),
        hair=pick(rng, FABRICS) if style in ("beanie", "scarf") else natural,
        brows=mixed(natural, (30, 24, 22), 0.35),
        eyes=pick(rng, _EYES[2:] if darkness > 0.5 else _EYES),
        style=style,
        beard=pick(rng, _BEARDS) if style in _BEARDED else "none",
        glasses=pick(rng, _FRAMES) if rng.random() < 0.35 else None,
        clothes=_turn(seed, number, 2, _CLOTHES),
        fabric=fabric,
        second=pick(rng, [color for color in FABRICS if color != fabric]),
        wall=_turn(seed, number, 3, _WALLS),
        width=float(rng.uniform(0.94, 1.06)),
        light_x=float(rng.choice((-1, 1)) * rng.uniform(0.4, 0.9)),
        tint=(1.02 + warmth, 1.0, 1.0 - warmth),
    )


def mixed(first: Color, second: Color, fraction: float) -> Color:
    """Mixture of two colours; `fraction`, in [0, 1], is that of the second."""
    red, green, blue = ((1 - fraction) * a + fraction * b for a, b in zip(first, second, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, choices: Sequence[_T]) -> _T:
    """One of the choices at random, each with the same probability."""
    return choices[int(rng.integers(len(choices)))]


def _turn(seed: int, number: int, kind: int, choices: Sequence[_T]) -> _T:
    """One of the choices for each person; all are used once, in random order, before one is used again."""
    turn, place = divmod(number, len(choices))
    order = np.random.default_rng([seed, 3, kind, turn]).permutation(len(choices))
    return choices[int(order[place])]


def _skin(darkness: float) -> Color:
    step, fraction = divmod(darkness * (len(SKIN_SCALE) - 1), 1)
    return mixed(SKIN_SCALE[int(step)], SKIN_SCALE[int(step) + 1], fraction)
