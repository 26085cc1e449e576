"""Neck, shoulders and clothes of a made-up person, in axes that begin at the centre of the head."""

from collections.abc import Callable, Iterator

import numpy as np

from triptych.synthetic.biwi.look import Color, Person, mixed
from triptych.synthetic.biwi.solid import Floats, Solid, Surface

_WHITE: Color = (246, 244, 238)


def body(person: Person) -> Iterator[Solid]:
    """Solids of a body, in the order in which to draw them."""
    sleeve = mixed(person.fabric, (0, 0, 0), 0.10)
    for side in (-1, 1):
        yield Solid((side * 168, 452, 44), (60, 250, 74), sleeve, _dress(person))
    yield Solid((0, 610, 40), (164, 450, 112), person.fabric, _dress(person))
    yield Solid((0, 254, 38), (198, 112, 92), person.fabric, _dress(person))
    yield Solid((0, 96, 26), (44, 90, 44), person.skin, _shade_under_chin(person))


def _shade_under_chin(person: Person) -> Callable[[Surface], None]:
    shade = mixed(person.skin, (70, 24, 30), 0.38)

    def paint(surface: Surface) -> None:
        surface.paint(shade, (132 - surface.y) / 30)

    return paint


def _dress(person: Person) -> Callable[[Surface], None]:
    paint = {"plain": _plain, "stripes": _stripes, "shirt": _shirt, "jacket": _jacket, "dots": _dots}[person.clothes]

    def dress(surface: Surface) -> None:
        paint(surface, person)

    return dress


def _neckline(surface: Surface, half_width: float, depth: float) -> Floats:
    """Distance (N,) to the edge of a round opening at the neck, positive inside."""
    return surface.oval(0, 150, half_width, depth)


def _plain(surface: Surface, person: Person) -> None:
    surface.paint(mixed(person.fabric, (0, 0, 0), 0.2), _neckline(surface, 84, 62))
    surface.paint(person.skin, _neckline(surface, 72, 50))


def _stripes(surface: Surface, person: Person) -> None:
    surface.paint(person.second, 24 * np.sin((surface.y - 180) / 15))
    surface.paint(person.skin, _neckline(surface, 66, 44))


def _dots(surface: Surface, person: Person) -> None:
    row = np.floor(surface.y / 44)
    x, y = np.mod(surface.x + 24 * np.mod(row, 2), 48) - 24, np.mod(surface.y, 44) - 22
    surface.paint(person.second, 9 - np.sqrt(x**2 + y**2))
    surface.paint(person.skin, _neckline(surface, 78, 66))


def _collar(surface: Surface, color: Color) -> None:
    """Paints two flaps beside the neck."""
    flap = np.minimum(88 - np.abs(surface.x) - 0.3 * (surface.y - 170), np.abs(surface.x) - 0.55 * (240 - surface.y))
    front = np.where(surface.z < 20, np.minimum(flap, 248 - surface.y), np.float32(-1e3))
    surface.paint(color, np.minimum(front, np.abs(surface.x) - 4))


def _shirt(surface: Surface, person: Person) -> None:
    line = mixed(person.fabric, (0, 0, 0), 0.25)
    front = np.where(surface.z < 0, np.float32(0), np.float32(1e3))
    surface.paint(person.skin, (236 - surface.y) * 0.5 - np.abs(surface.x) - front)
    surface.paint(line, np.minimum(2 - np.abs(surface.x), surface.y - 236) - front)
    button = np.sqrt(surface.x**2 + (np.mod(surface.y - 30, 60) - 30) ** 2)
    surface.paint(_WHITE, np.minimum(7 - button, surface.y - 246) - front)
    _collar(surface, mixed(person.fabric, _WHITE, 0.45))


def _jacket(surface: Surface, person: Person) -> None:
    front = np.where(surface.z < 0, np.float32(0), np.float32(1e3))
    opening = (480 - surface.y) * 0.27 - np.abs(surface.x) - front
    surface.paint(mixed(person.fabric, (0, 0, 0), 0.25), opening + 22)
    surface.paint(_WHITE, opening)
    knot = np.minimum(np.abs(surface.y - 236) * 0.05 + 11 - np.abs(surface.x), surface.y - 214)
    surface.paint(person.second, np.minimum(knot, opening) - front)
    surface.paint(person.skin, (214 - surface.y) * 0.7 - np.abs(surface.x) - front)
    _collar(surface, _WHITE)
