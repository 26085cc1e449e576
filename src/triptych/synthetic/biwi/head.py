"""The head of a made-up person: skull, ears, nose, hair or headwear, and glasses.

Its axes begin in the middle of the skull: x to the right in the image, y down, z to the back of the head.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from triptych.synthetic.biwi.face import paint_face, paint_glasses
from triptych.synthetic.biwi.look import Person, mixed
from triptych.synthetic.biwi.solid import Point, Solid, Surface

_HALF_WIDTH, _HALF_HEIGHT, _HALF_DEPTH = 78.0, 106.0, 96.0


def skull(person: Person, camera: Point, blink: bool) -> Solid:
    """The skull; its middle is the centre in the pose file. Arguments as for `paint_face`."""
    return Solid((0, 0, 0), _shell(person, 0), person.skin, paint_face(person, camera, blink))


def head(person: Person, camera: Point, blink: bool) -> Iterator[Solid]:
    """All solids of a head, in the order in which to draw them. Arguments as for `paint_face`."""
    yield from _behind(person)
    yield skull(person, camera, blink)
    inner = mixed(person.skin, (150, 60, 50), 0.15)
    if person.style != "scarf":
        for side in (-1, 1):
            yield Solid((side * (_HALF_WIDTH * person.width + 2), 6, 8), (13, 24, 16), inner)
    yield Solid((0, 27, -_HALF_DEPTH - 2), (12, 17, 15), mixed(person.skin, (190, 90, 70), 0.12))
    yield from _on_top(person)
    if person.glasses is not None:
        yield Solid((0, 0, 0), _shell(person, 7), person.glasses, paint_glasses)


def _shell(person: Person, above_mm: float) -> Point:
    """Half-axes in millimetres of an ellipsoid whose surface is `above_mm` outside the skull."""
    return person.width * _HALF_WIDTH + above_mm, _HALF_HEIGHT + above_mm, _HALF_DEPTH + above_mm


def _behind(person: Person) -> Iterator[Solid]:
    """Hair or scarf behind the face; the skull hides most of it."""
    shade = mixed(person.hair, (0, 0, 0), 0.18)
    if person.style == "long":
        yield Solid((0, 60, 34), (98, 150, 62), shade)
    elif person.style == "bob":
        yield Solid((0, 18, 26), (104, 104, 88), shade)
    elif person.style == "bun":
        yield Solid((0, -118, 40), (44, 40, 44), person.hair)
    elif person.style == "afro":
        yield Solid((0, -38, 26), (132, 122, 112), person.hair, _curly(person))
    elif person.style == "scarf":
        yield Solid((0, 104, 24), (84, 74, 74), shade)


def _on_top(person: Person) -> Iterator[Solid]:
    """Hair or headwear over the skull."""
    if person.style == "beanie":
        yield Solid((0, -6, 0), _shell(person, 12), person.hair, _knitted(person))
        yield Solid((0, -122, 4), (24, 22, 24), mixed(person.hair, (255, 255, 255), 0.5))
    elif person.style == "scarf":
        yield Solid((0, 2, 0), _shell(person, 9), person.hair, _wrapped)
    elif person.style == "curls":
        yield from _curls(person)
    elif person.style != "bald":
        yield Solid((0, -5, 0), _shell(person, 8), person.hair, _grown(person))


def _grown(person: Person) -> Callable[[Surface], None]:
    """Returns a function that paints hair; the hairline is high over the face and low behind the ears."""
    side = float(person.rng(2).choice((-1, 1)))
    high = 34.0 if person.style == "receding" else 0.0
    strand = mixed(person.hair, (255, 255, 255), 0.16)

    def paint(surface: Surface) -> None:
        part = 10 * np.abs(np.sin((surface.x - 28 * side) / 34)) if person.style != "receding" else 0.0
        line = -6 + 0.56 * surface.z - high * (surface.z < -10) + part
        surface.paint(strand, np.sin((surface.x + 0.4 * surface.y) / 5) - 0.55, 0.8)
        surface.keep(line - surface.y)

    return paint


def _curly(person: Person) -> Callable[[Surface], None]:
    curl = mixed(person.hair, (255, 255, 255), 0.12)

    def paint(surface: Surface) -> None:
        surface.paint(curl, np.sin(surface.x / 6) * np.sin((surface.y + surface.z) / 6) - 0.35)

    return paint


def _curls(person: Person) -> Iterator[Solid]:
    """A ring of curls around the face, and a cap of hair behind it."""
    yield Solid((0, -5, 0), _shell(person, 10), person.hair, _grown(person))
    for i, angle in enumerate(np.linspace(-0.1, 1.1, 11).tolist()):
        x, y = -96 * math.cos(angle * math.pi), 8 - 104 * math.sin(angle * math.pi)
        size = 24.0 + 5 * (i % 2)
        yield Solid((0.9 * x, 0.94 * y, -22), (size, size, size), mixed(person.hair, (255, 255, 255), 0.05 * (i % 3)))


def _knitted(person: Person) -> Callable[[Surface], None]:
    rib, band = mixed(person.hair, (0, 0, 0), 0.14), mixed(person.hair, (255, 255, 255), 0.3)

    def paint(surface: Surface) -> None:
        edge = -32 + 0.16 * surface.z - surface.y
        surface.paint(band, 24 - edge)
        surface.paint(rib, np.sin(np.arctan2(surface.x, -surface.z) * 26) - 0.3)
        surface.keep(edge)

    return paint


def _wrapped(surface: Surface) -> None:
    """Makes a head scarf from a shell around the head: removes an oval over the face."""
    surface.keep(-surface.oval(0, 14, 62, 84))
