"""Paint on a made-up head: eyes, mouth, brows, beard and glasses."""

from collections.abc import Callable

import numpy as np

from triptych.synthetic.biwi.look import Color, Person, mixed
from triptych.synthetic.biwi.solid import Point, Surface

_EYE_X, _EYE_Y, _MOUTH_Y = 30.0, 0.0, 56.0
_WHITE: Color = (250, 248, 244)
_INK: Color = (38, 30, 30)
_LIPS: Color = (178, 74, 76)


def paint_face(person: Person, camera: Point, blink: bool) -> Callable[[Surface], None]:
    """Returns a function that paints the front of a head.

    Args:
        person: Whose face it is.
        camera: Direction to the camera in the head's axes, of length 1; the eyes look there.
        blink: Whether the eyes are closed.
    """

    def paint(surface: Surface) -> None:
        for side in (-1, 1):
            blush = surface.oval(side * 46, 34, 20, 14)
            surface.paint(mixed(person.skin, (226, 92, 84), 0.5), (blush / 8).astype(np.float32), 0.45)
        _paint_beard(surface, person)
        _paint_mouth(surface, person)
        for side in (-1, 1):
            _paint_eye(surface, side, person, camera, blink)
            surface.paint(person.brows, surface.bow(side * (_EYE_X + 1), _EYE_Y - 32, 20, 9, 7))

    return paint


def paint_glasses(surface: Surface) -> None:
    """Makes glasses from a shell around the head: keeps only two rims, the bridge and the arms."""
    radius = np.maximum(surface.oval(-_EYE_X, _EYE_Y, 25, 23), surface.oval(_EYE_X, _EYE_Y, 25, 23))
    rims = 2.6 - np.abs(radius + 2.6)
    bridge = np.minimum(2.4 - np.abs(surface.y - _EYE_Y + 4), 8 - np.abs(surface.x))
    bridge = np.where(surface.z < 0, bridge, np.float32(-1e3))
    arms = np.minimum(2.4 - np.abs(surface.y - _EYE_Y + 4), np.abs(surface.x) - _EYE_X - 24)
    arms = np.minimum(arms, 8 - surface.z)
    surface.keep(np.maximum(np.maximum(rims, bridge), arms))


def _paint_eye(surface: Surface, side: int, person: Person, camera: Point, blink: bool) -> None:
    x = side * _EYE_X
    if blink:
        surface.paint(_INK, surface.bow(x, _EYE_Y + 5, 16, -7, 4.5))
        return
    white = surface.oval(x, _EYE_Y, 17, 14)
    surface.paint(_INK, surface.oval(x, _EYE_Y - 2, 19, 16))
    surface.paint(mixed(person.skin, _INK, 0.12), surface.oval(x, _EYE_Y + 2, 19, 15))
    surface.paint(_WHITE, white)
    gaze_x, gaze_y = (float(np.clip(10 * part, -6, 6)) for part in camera[:2])
    for color, radius in ((person.eyes, 9.5), (_INK, 5.5)):
        surface.paint(color, np.minimum(surface.oval(x + gaze_x, _EYE_Y + gaze_y, radius, radius), white))
    surface.paint(_WHITE, surface.oval(x + gaze_x - 3.5, _EYE_Y + gaze_y - 3.5, 3, 3))


def _paint_mouth(surface: Surface, person: Person) -> None:
    smile = float(person.rng(1).uniform(5, 11))
    if smile > 8:
        low = smile * (1 - (surface.x / 27) ** 2)
        opened = np.minimum(surface.y - _MOUTH_Y - 0.45 * low, _MOUTH_Y + 1.9 * low - surface.y)
        opened = np.where(surface.z < 0, np.minimum(opened, 25 - np.abs(surface.x)), np.float32(-1e3))
        surface.paint(mixed(_LIPS, _INK, 0.45), opened + 2)
        surface.paint(_WHITE, np.minimum(opened, _MOUTH_Y + 0.45 * low + 5.5 - surface.y))
        return
    surface.paint(mixed(_LIPS, person.skin, 0.25), surface.bow(0, _MOUTH_Y + 6, 23, -smile, 8))
    surface.paint(mixed(_LIPS, _INK, 0.6), surface.bow(0, _MOUTH_Y + 5, 25, -smile, 3))


def _paint_beard(surface: Surface, person: Person) -> None:
    if person.beard == "none":
        return
    lip = surface.bow(0, _MOUTH_Y - 13, 34, 12, 15)
    if person.beard == "moustache":
        surface.paint(person.brows, lip)
        return
    jaw = surface.y - 34 - 0.006 * (60 - np.abs(surface.x)).clip(0) ** 2 + 0.25 * np.maximum(surface.z + 30, 0)
    jaw = np.minimum(jaw, 30 - surface.z)
    strength = 0.28 if person.beard == "stubble" else 1.0
    surface.paint(person.brows, np.maximum(jaw, lip), strength)
