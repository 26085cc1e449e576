"""What stands at the edge of a made-up street: trees, lamp posts, signs, traffic lights and letter boxes."""

from dataclasses import dataclass

import numpy as np

from triptych.synthetic.camvid.canvas import Outline, StreetCanvas, facing, flat
from triptych.synthetic.camvid.look import LAMPLIGHT, Color, Street

_IRON: Color = (78, 82, 84)
_CLUMPS = 16
_LEAF_LAYERS = ((0.62, 0.0, 1.0), (0.88, 0.025, 0.78), (1.16, 0.06, 0.42))
"""Brightness, shift towards the sun and size of each layer of leaves, from the shaded to the sunny one."""


@dataclass(frozen=True)
class Tree:
    """A trunk and a crown of many round clumps of leaves.

    `x` is its place across the street; `clumps` are (across, up, radius), as fractions of `height`, measured from the
    middle of the crown.
    """

    x: float
    depth: float
    height: float
    clumps: tuple[tuple[float, float, float], ...]

    @classmethod
    def grown(cls, x: float, depth: float, height: float, rng: np.random.Generator) -> "Tree":
        """A tree with a random crown."""
        turns, reach = rng.uniform(0, 2 * np.pi, _CLUMPS), rng.uniform(0.06, 0.24, _CLUMPS)
        radii = rng.uniform(0.10, 0.16, _CLUMPS)
        crown = np.stack([0.85 * reach * np.cos(turns), reach * np.sin(turns), radii], axis=1)
        return cls(x, depth, height, tuple((dx, dy, r) for dx, dy, r in crown.tolist()))

    def shadow(self, street: Street) -> list[Outline]:
        """Ground under the crown, moved away from the sun."""
        x, r = self.x - street.sun_side * 0.3 * self.height, 0.26 * self.height
        ring = ((1, 0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7))
        return [[(x + r * across, 0.0, self.depth + r * along) for across, along in ring]]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the trunk, then the crown from its shaded to its sunny leaves."""
        street, h, s = canvas.street, self.height, self.depth
        canvas.fill([facing(self.x - 0.03 * h, self.x + 0.03 * h, 0, 0.5 * h, s)], (104, 80, 62), "Tree")
        for lit, shift, size in _LEAF_LAYERS if canvas.shows_detail(s) else _LEAF_LAYERS[:2]:
            x, y = self.x + street.sun_side * shift * h, (0.66 + shift) * h
            centers = [(x + dx * h, y + dy * h, s) for dx, dy, _ in self.clumps]
            canvas.discs(centers, [size * r * h for _, _, r in self.clumps], street.leaves, "Tree", lit)


@dataclass(frozen=True)
class LampPost:
    """A tall thin post with an arm over the road."""

    x: float
    depth: float

    def shadow(self, street: Street) -> list[Outline]:
        """No shadow: the post is too thin."""
        return []

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws post, arm and lamp."""
        x, s, arm = self.x, self.depth, self.x - 1.4 * np.sign(self.x)
        canvas.stroke([(x, 0.0, s), (x, 5.4, s), (arm, 6.0, s)], 0.13, _IRON, "Column_Pole")
        glow = LAMPLIGHT if canvas.street.light.lit_windows > 0.2 else (214, 214, 206)
        canvas.fill([facing(arm - 0.3, arm + 0.3, 5.85, 6.05, s)], glow, "Column_Pole", 1.2)


@dataclass(frozen=True)
class Sign:
    """A round traffic sign on a short post."""

    x: float
    depth: float
    face: Color

    def shadow(self, street: Street) -> list[Outline]:
        """No shadow: the post is too thin."""
        return []

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the post, the coloured rim and the white inside."""
        x, s = self.x, self.depth
        canvas.stroke([(x, 0.0, s), (x, 2.4, s)], 0.09, _IRON, "Column_Pole")
        canvas.discs([(x, 2.6, s)], [0.42], self.face, "SignSymbol")
        canvas.discs([(x, 2.6, s)], [0.25], (240, 240, 236))


@dataclass(frozen=True)
class TrafficLight:
    """A post with a box of three lamps; `lamp` is the one that is on: 0 red, 1 amber, 2 green."""

    x: float
    depth: float
    lamp: int

    def shadow(self, street: Street) -> list[Outline]:
        """No shadow: the post is too thin."""
        return []

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the post, the box and its lamps from the top down."""
        x, s = self.x, self.depth
        canvas.stroke([(x, 0.0, s), (x, 2.6, s)], 0.12, _IRON, "Column_Pole")
        canvas.fill([facing(x - 0.24, x + 0.24, 2.4, 3.6, s)], (38, 40, 44), "TrafficLight")
        for i, color in enumerate(((232, 62, 48), (244, 178, 60), (74, 212, 112))):
            canvas.discs([(x, 3.38 - 0.38 * i, s)], [0.15], color, lit=1.2 if i == self.lamp else 0.3)


@dataclass(frozen=True)
class PillarBox:
    """A letter box on the kerb; its class is Void (unlabelled)."""

    x: float
    depth: float

    def shadow(self, street: Street) -> list[Outline]:
        """A small patch beside it."""
        return [flat(self.x, self.x - street.sun_side * 0.9, self.depth - 0.2, self.depth + 0.2)]

    def draw(self, canvas: StreetCanvas) -> None:
        """Draws the pillar, its cap and its slot."""
        x, s = self.x, self.depth
        canvas.fill([facing(x - 0.28, x + 0.28, 0, 1.5, s)], (186, 40, 38), "Void")
        canvas.fill([facing(x + 0.08, x + 0.28, 0, 1.5, s)], (186, 40, 38), lit=0.78)
        canvas.fill([facing(x - 0.33, x + 0.33, 1.42, 1.62, s)], (150, 32, 32), "Void")
        canvas.fill([facing(x - 0.16, x + 0.16, 1.15, 1.22, s)], (30, 30, 32))
