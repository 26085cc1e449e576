"""Random tags of a made-up tile: about as rare or frequent, and as often together, as the real ones.

Source: the probabilities are those of 800 tiles of the original training set, rounded. Tags that are too rare there for
an estimate (blow_down and conventional_mine are on one tile each) are made a little more frequent.
"""

from dataclasses import dataclass

import numpy as np

from triptych.datasets.planet_tags import PLANET_TAGS

WEATHER_FRACTIONS: dict[str, float] = {"clear": 0.70, "partly_cloudy": 0.19, "haze": 0.06, "cloudy": 0.05}
"""Fraction of the tiles with each weather; every tile has exactly one."""

_PRIMARY_FRACTION = 0.98
"""Fraction of tiles with forest among the tiles that are not cloudy."""

_BARREN_FRACTION = 0.45
"""Fraction of tiles with bare ground among the tiles without forest; the others are all water."""

FINE_TAGS = frozenset({"selective_logging", "blooming", "blow_down"})
"""Tags of things too small to be seen through haze; a tile with haze has none of them."""


@dataclass(frozen=True)
class Chance:
    """Probability of a tag on a tile with forest, which depends on whether another tag is there.

    Args:
        tag: The tag.
        other: The tag that it depends on, which is chosen before it.
        with_other: Its probability if the other tag is there, in [0, 1].
        alone: Its probability if the other tag is not there, in [0, 1].
    """

    tag: str
    other: str
    with_other: float
    alone: float

    def given(self, tags: set[str]) -> float:
        """Its probability on a tile that has `tags` so far."""
        if self.tag in FINE_TAGS and "haze" in tags:
            return 0.0
        return self.with_other if self.other in tags else self.alone


_CHANCES: tuple[Chance, ...] = (
    Chance("agriculture", "haze", 0.20, 0.34),
    Chance("road", "agriculture", 0.50, 0.07),
    Chance("habitation", "road", 0.40, 0.01),
    Chance("cultivation", "agriculture", 0.28, 0.06),
    Chance("water", "agriculture", 0.24, 0.14),
    Chance("bare_ground", "road", 0.025, 0.012),
    Chance("slash_burn", "cultivation", 0.04, 0.003),
    Chance("selective_logging", "road", 0.012, 0.006),
    Chance("blooming", "agriculture", 0.004, 0.014),
    Chance("blow_down", "agriculture", 0.002, 0.004),
    Chance("artisinal_mine", "water", 0.020, 0.002),
    Chance("conventional_mine", "road", 0.010, 0.001),
)
"""In the order in which the tags are chosen."""

TAG_FRACTIONS: dict[str, float] = {
    "primary": 0.931,
    "clear": 0.700,
    "agriculture": 0.308,
    "road": 0.198,
    "partly_cloudy": 0.190,
    "water": 0.172,
    "cultivation": 0.124,
    "habitation": 0.087,
    "haze": 0.060,
    "cloudy": 0.050,
    "bare_ground": 0.022,
    "blooming": 0.009,
    "slash_burn": 0.007,
    "selective_logging": 0.007,
    "artisinal_mine": 0.005,
    "blow_down": 0.003,
    "conventional_mine": 0.003,
}
"""Expected fraction of all tiles with each tag, which follows from the probabilities above."""


def random_tags(rng: np.random.Generator) -> tuple[str, ...]:
    """Random tags of one tile, in the order of `PLANET_TAGS`: exactly one weather; `cloudy` is always alone."""
    weather = str(rng.choice(list(WEATHER_FRACTIONS), p=list(WEATHER_FRACTIONS.values())))
    tags = {weather}
    if weather == "cloudy":
        return (weather,)
    if rng.random() < _PRIMARY_FRACTION:
        tags.add("primary")
        tags.update(_random_on_forest(rng, tags))
    else:
        tags.add("bare_ground" if rng.random() < _BARREN_FRACTION else "water")
    return tuple(tag for tag in PLANET_TAGS if tag in tags)


def _random_on_forest(rng: np.random.Generator, tags: set[str]) -> set[str]:
    drawn = set(tags)
    for chance in _CHANCES:
        if rng.random() < chance.given(drawn):
            drawn.add(chance.tag)
    return drawn
