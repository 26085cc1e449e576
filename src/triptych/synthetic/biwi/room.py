"""The room behind a made-up person: wall, floor and objects, some of them as round as a head."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from triptych.synthetic.biwi.look import FABRICS, Color, Person, mixed, pick
from triptych.synthetic.biwi.solid import Floats

_SLOTS = 5
"""Number of objects side by side; each is in the middle of its slot, or close to it."""

_FLOOR = 0.84
"""Row where the floor begins, as a fraction of the height."""

Image = npt.NDArray[np.uint8]


class Wall:
    """Draws on a wall. Coordinates are fractions of the image's height; x is measured from the middle of a slot.

    Args:
        image: (H, W, 3) to draw into.
        middle: Column of the slot's middle, in pixels.
        rng: Random generator for the details of the objects.
    """

    def __init__(self, image: Image, middle: float, rng: np.random.Generator) -> None:
        self.image, self.rng = image, rng
        self._middle, self._unit = middle, image.shape[0]

    def box(self, x0: float, y0: float, x1: float, y1: float, color: Color) -> None:
        """Fills a rectangle."""
        cv2.rectangle(self.image, self._place(x0, y0), self._place(x1, y1), color, -1)

    def disc(self, x: float, y: float, radius: float, color: Color, height: float = 1.0, turn: float = 0.0) -> None:
        """Fills a disc, or an oval `height` times as high as wide, turned by `turn` degrees."""
        axes = round(radius * self._unit), round(radius * height * self._unit)
        cv2.ellipse(self.image, self._place(x, y), axes, turn, 0, 360, color, -1, cv2.LINE_AA)

    def shape(self, corners: list[tuple[float, float]], color: Color) -> None:
        """Fills a polygon."""
        points = np.array([self._place(x, y) for x, y in corners], np.int32)
        cv2.fillPoly(self.image, [points], color, cv2.LINE_AA)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Color) -> None:
        """Draws a straight line."""
        thickness = max(1, round(width * self._unit))
        cv2.line(self.image, self._place(x0, y0), self._place(x1, y1), color, thickness, cv2.LINE_AA)

    def shine(self, x: float, y: float, radius: float, color: Color) -> None:
        """Adds a soft disc of light."""
        light = np.zeros_like(self.image)
        cv2.circle(light, self._place(x, y), round(radius * self._unit), color, -1)
        cv2.add(self.image, cv2.GaussianBlur(light, (0, 0), 0.3 * radius * self._unit), self.image)

    def _place(self, x: float, y: float) -> tuple[int, int]:
        return round(self._middle + x * self._unit), round(y * self._unit)


@lru_cache(maxsize=2)
def room(person: Person, image_size: tuple[int, int]) -> Floats:
    """The room in all frames of a person. The result is cached: change only a copy.

    Args:
        person: Whose room it is.
        image_size: (height, width) in pixels.

    Returns:
        The image, (H, W, 3), slightly out of focus, values in [0, 255].
    """
    height, width = image_size
    image = np.empty((height, width, 3), np.uint8)
    rng = person.rng(3)
    _paint_wall(Wall(image, width / 2, rng), person, width / height)
    order = rng.permutation(len(_THINGS))[:_SLOTS]
    for slot, kind in enumerate(order.tolist()):
        middle = (slot + 0.5 + float(rng.uniform(-0.15, 0.15))) * width / _SLOTS
        _THINGS[kind](Wall(image, middle, rng))
    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), height / 260)
    lit: Floats = np.minimum(blurred * _glow(person, (height, width)), 255)
    return lit


def _glow(person: Person, size: tuple[int, int]) -> Floats:
    """Factors (H, W, 3) on the brightness of the room: larger on the side of the light, and at the top."""
    across = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :, None] * person.light_x
    down = np.linspace(0, 1, size[0], dtype=np.float32)[:, None, None]
    glow: Floats = (1 + 0.14 * across - 0.10 * down) * np.array(person.tint, np.float32)
    return glow


def _paint_wall(wall: Wall, person: Person, aspect: float) -> None:
    half, floor = aspect / 2 + 0.01, mixed((150, 112, 82), person.wall, float(wall.rng.uniform(0, 0.5)))
    wall.box(-half, 0, half, 1, person.wall)
    if wall.rng.random() < 0.5:
        paper = mixed(person.wall, (255, 255, 255), 0.14)
        for x in np.arange(-half, half, 0.11).tolist():
            wall.box(x, 0, x + 0.05, 1, paper)
    wall.box(-half, _FLOOR, half, 1.01, floor)
    wall.box(-half, _FLOOR - 0.03, half, _FLOOR, mixed(person.wall, (255, 255, 255), 0.55))


def _window(wall: Wall) -> None:
    top, low = (132, 186, 232), (222, 236, 240)
    wall.box(-0.20, 0.06, 0.20, 0.56, (244, 242, 236))
    for i in range(12):
        wall.box(-0.18, 0.08 + i * 0.0384, 0.18, 0.12 + i * 0.0384, mixed(top, low, i / 11))
    wall.disc(-0.08, 0.54, 0.12, (128, 168, 108), 0.7)
    wall.disc(0.11, 0.55, 0.10, (104, 150, 96), 0.9)
    wall.box(-0.20, 0.54, 0.20, 0.56, (244, 242, 236))
    wall.box(-0.22, 0.56, 0.22, 0.70, mixed((200, 180, 160), pick(wall.rng, FABRICS), 0.3))
    wall.box(-0.008, 0.08, 0.008, 0.54, (244, 242, 236))
    wall.box(-0.18, 0.30, 0.18, 0.315, (244, 242, 236))
    curtain = pick(wall.rng, FABRICS)
    for side in (-1, 1):
        wall.shape([(side * 0.26, 0.03), (side * 0.13, 0.03), (side * 0.17, 0.7), (side * 0.26, 0.7)], curtain)


def _poster(wall: Wall) -> None:
    paper, sun, near, far = (pick(wall.rng, FABRICS) for _ in range(4))
    y = float(wall.rng.uniform(0.12, 0.3))
    wall.box(-0.12, y, 0.12, y + 0.34, (62, 54, 50))
    wall.box(-0.105, y + 0.015, 0.105, y + 0.325, mixed(paper, (255, 255, 255), 0.4))
    wall.disc(float(wall.rng.uniform(-0.03, 0.03)), y + 0.13, 0.06, sun)
    wall.shape([(-0.105, y + 0.325), (-0.105, y + 0.22), (0.0, y + 0.16), (0.105, y + 0.26), (0.105, y + 0.325)], far)
    wall.shape([(-0.105, y + 0.325), (-0.02, y + 0.26), (0.105, y + 0.21), (0.105, y + 0.325)], near)


def _shelf(wall: Wall) -> None:
    wood = (136, 98, 68)
    for y in (0.30, 0.56):
        x = -0.17
        while x < 0.10:
            width, height = wall.rng.uniform((0.018, 0.09), (0.036, 0.15)).tolist()
            wall.box(x, y - height, x + width, y, pick(wall.rng, FABRICS))
            x += width + 0.004
        wall.disc(0.15, y - 0.035, 0.032, pick(wall.rng, FABRICS), 1.1)
        wall.box(-0.20, y, 0.20, y + 0.02, wood)


def _lamp(wall: Wall) -> None:
    y = float(wall.rng.uniform(0.3, 0.42))
    wall.shine(0, y, 0.22, (70, 54, 24))
    wall.line(0, y, 0, 0.93, 0.014, (70, 62, 60))
    wall.disc(0, 0.93, 0.07, (70, 62, 60), 0.25)
    wall.shape([(-0.06, y - 0.1), (0.06, y - 0.1), (0.1, y + 0.05), (-0.1, y + 0.05)], (252, 226, 164))


def _plant(wall: Wall) -> None:
    pot = pick(wall.rng, FABRICS)
    for angle in np.linspace(-70, 70, 9).tolist():
        reach = float(wall.rng.uniform(0.14, 0.22))
        x, y = reach * np.sin(np.radians(angle)), 0.72 - reach * np.cos(np.radians(angle))
        wall.line(0, 0.76, 1.2 * x, y, 0.008, (76, 110, 66))
        wall.disc(x, y, 0.035, (70 + int(wall.rng.integers(50)), 136, 82), 2.4, angle)
    wall.shape([(-0.09, 0.76), (0.09, 0.76), (0.065, 0.94), (-0.065, 0.94)], pot)
    wall.box(-0.1, 0.74, 0.1, 0.775, mixed(pot, (255, 255, 255), 0.25))


def _clock(wall: Wall) -> None:
    y = float(wall.rng.uniform(0.16, 0.4))
    wall.disc(0, y, 0.10, pick(wall.rng, FABRICS))
    wall.disc(0, y, 0.082, (246, 240, 226))
    for angle, reach in zip(wall.rng.uniform(0, 6.28, 2).tolist(), (0.065, 0.045), strict=True):
        wall.line(0, y, reach * np.sin(angle), y - reach * np.cos(angle), 0.011, (52, 46, 48))


def _balloons(wall: Wall) -> None:
    for x, y, size in wall.rng.uniform((-0.12, 0.14, 0.055), (0.12, 0.42, 0.085), (3, 3)).tolist():
        color = pick(wall.rng, FABRICS)
        wall.line(x, y, 0.0, 0.8, 0.005, (120, 112, 108))
        wall.disc(x, y, size, color, 1.2)
        wall.disc(x - 0.3 * size, y - 0.4 * size, 0.22 * size, mixed(color, (255, 255, 255), 0.6), 1.3)


def _chair(wall: Wall) -> None:
    cloth = pick(wall.rng, FABRICS)
    seat = mixed(cloth, (0, 0, 0), 0.15)
    for x in (-0.13, 0.13):
        wall.line(x, 0.8, 1.1 * x, 0.97, 0.022, (96, 70, 52))
    wall.disc(0, 0.60, 0.17, cloth, 1.05)
    wall.box(-0.17, 0.60, 0.17, 0.80, cloth)
    wall.box(-0.21, 0.74, 0.21, 0.86, seat)


_THINGS: tuple[Callable[[Wall], None], ...] = (_window, _poster, _shelf, _lamp, _plant, _clock, _balloons, _chair)
