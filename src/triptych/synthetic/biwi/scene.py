"""One frame of a made-up portrait: a person in a room, with the head at a given pose."""

import math

import numpy as np
import numpy.typing as npt

from triptych.datasets.biwi import project
from triptych.synthetic.biwi.body import body
from triptych.synthetic.biwi.head import head
from triptych.synthetic.biwi.look import Person, portrait_look
from triptych.synthetic.biwi.pose import Pose, portrait_intrinsics, portrait_pose
from triptych.synthetic.biwi.room import room
from triptych.synthetic.biwi.solid import Easel, Point

_GRAIN = 4
"""Largest noise of the camera, for values in [0, 255]."""

Image = npt.NDArray[np.uint8]


def portrait_frame(seed: int, number: int, frame: int, image_size: tuple[int, int]) -> Image:
    """Draws a made-up person; the same arguments give the same pixels.

    Args:
        seed: Seed of the data set, at least 0.
        number: Number of the person, at least 0.
        frame: Number of the frame, at least 0; consecutive numbers are consecutive in time.
        image_size: (height, width) in pixels.

    Returns:
        Image, uint8 (H, W, 3) RGB; `portrait_pose` and `portrait_intrinsics` tell where the head is.
    """
    person, pose = portrait_look(seed, number), portrait_pose(seed, number, frame, image_size)
    easel = easel_for(person, pose, image_size, room(person, image_size).copy())
    upright = _leaning(pose.rotation)
    for solid in body(person):
        easel.draw(solid, upright)
    x, y, z = (-pose.rotation[2]).tolist()
    for solid in head(person, (x, y, z), _blinks(person, frame)):
        easel.draw(solid, pose.rotation)
    height, width = image_size
    grain = person.rng(4, frame).integers(-_GRAIN, _GRAIN + 1, (height, width, 1), np.int8)
    image: Image = np.clip(easel.image + grain, 0, 255).astype(np.uint8)
    return image


def easel_for(person: Person, pose: Pose, image_size: tuple[int, int], image: npt.NDArray[np.float32]) -> Easel:
    """Easel whose axes begin at the centre of the head, with the scale of things at that distance.

    Args:
        person: Gives the light and the camera.
        pose: Gives the centre.
        image_size: (height, width) in pixels.
        image: Background, (H, W, 3); it is painted over.
    """
    matrix = portrait_intrinsics(person.seed, person.number, image_size)
    x, y = project(pose.centre_mm, matrix).tolist()
    across, down = (matrix[[0, 1], [0, 1]] / pose.centre_mm[2]).tolist()
    length = math.hypot(person.light_x, 0.6, 0.7)
    light: Point = (person.light_x / length, -0.6 / length, -0.7 / length)
    return Easel(image, (x, y), (across, down), light, person.tint)


def _leaning(rotation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rotation (3, 3) of the body below a head with `rotation`: a third of its turn to the side."""
    yaw = math.asin(-rotation[2, 0]) / 3
    return np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])


def _blinks(person: Person, frame: int) -> bool:
    return bool(person.rng(5, frame).random() < 0.06)
