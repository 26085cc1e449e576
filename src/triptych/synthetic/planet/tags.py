"""Which tags a made-up tile gets, before anything is drawn: as uneven, and as often together, as the real ones.

Source: the chances are those of 800 tiles of the original training set, rounded; tags that so few tiles do not pin down
(blow_down and conventional_mine are on one each) are taken a little more often.
"""

from dataclasses import dataclass

import numpy as np

from triptych.datasets.planet_tags import PLANET_TAGS

WEATHER_SHARES: dict[str, float] = {"clear": 0.70, "partly_cloudy": 0.19, "haze": 0.06, "cloudy": 0.05}
"""Share of the tiles under each weather; every tile has one."""

PRIMARY_SHARE = 0.98
"""Share of tiles with forest among those whose ground is seen at all."""

BARREN_SHARE = 0.45
"""Share of bare ground among the tiles without forest; the others are all water."""

FINE_TAGS = frozenset({"selective_logging", "blooming", "blow_down"})
"""What is too fine to be seen through haze, hence neither drawn nor tagged there."""


@dataclass(frozen=True)
class Chance:
    """How probable a tag is on a tile with forest, by whether another tag is there; both in [0, 1].

    Args:
        tag: The tag.
        other: The tag that it depends on; one that was decided before.
        with_other: Its chance where the other is.
        alone: Its chance where the other is not.
    """

    tag: str
    other: str
    with_other: float
    alone: float

    def given(self, tags: set[str]) -> float:
        """Its chance on a tile that has `tags` so far."""
        if self.tag in FINE_TAGS and "haze" in tags:
            return 0.0
        return self.with_other if self.other in tags else self.alone


CHANCES: tuple[Chance, ...] = (
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
"""In the order in which they are decided."""

TAG_SHARES: dict[str, float] = {
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
"""Share of all tiles that each tag is expected on, as it follows from the chances above."""


def draw_tags(rng: np.random.Generator) -> tuple[str, ...]:
    """Draws the tags of one tile: exactly one weather, alone if it is `cloudy`, in the order of `PLANET_TAGS`."""
    weather = str(rng.choice(list(WEATHER_SHARES), p=list(WEATHER_SHARES.values())))
    tags = {weather}
    if weather == "cloudy":
        return (weather,)
    if rng.random() < PRIMARY_SHARE:
        tags.add("primary")
        tags.update(_draw_on_forest(rng, tags))
    else:
        tags.add("bare_ground" if rng.random() < BARREN_SHARE else "water")
    return tuple(tag for tag in PLANET_TAGS if tag in tags)


def _draw_on_forest(rng: np.random.Generator, tags: set[str]) -> set[str]:
    drawn = set(tags)
    for chance in CHANCES:
        if rng.random() < chance.given(drawn):
            drawn.add(chance.tag)
    return drawn
