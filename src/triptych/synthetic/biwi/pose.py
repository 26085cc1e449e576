"""Position and rotation of a made-up head, and the camera that sees it.

The camera's axes are BIWI's: x to the right, y down, z away from the camera, in millimetres.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triptych.synthetic.biwi.look import quasirandom_numbers

Floats = npt.NDArray[np.float64]

_FOCAL_PX, _FULL_SIZE = 517.679, (480, 640)
"""Focal length of BIWI's camera, and the size (height, width) of its images."""

_TURN_DEG = (34.0, 16.0, 12.0)
"""Largest angles, in degrees, by which a head turns sideways, nods and tilts."""


@dataclass(frozen=True)
class Pose:
    """Pose of one frame: the transformation from the head's axes to the camera's.

    Args:
        rotation: Orthonormal, shape (3, 3); the identity is a head that looks into the camera.
        centre_mm: Middle of the head as x, y, z, shape (3,), in millimetres.
    """

    rotation: Floats
    centre_mm: Floats


def portrait_intrinsics(seed: int, number: int, image_size: tuple[int, int]) -> Floats:
    """Camera matrix (3, 3) in pixels of one person's folder.

    It is BIWI's, scaled to `image_size` (height, width), and changed by a few percent, differently in each folder.
    """
    height, width = image_size
    focal = _FOCAL_PX * min(height / _FULL_SIZE[0], width / _FULL_SIZE[1])
    more, stretch, right, down = np.random.default_rng([seed, 4, number]).uniform(-1, 1, 4).tolist()
    fx = focal * (1 + 0.06 * more)
    fy = fx * (1 + 0.01 * stretch)
    cx, cy = width * (0.5 + 0.02 * right), height * (0.5 + 0.02 * down) + 0.5
    return np.round(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), 3)


def portrait_pose(seed: int, number: int, frame: int, image_size: tuple[int, int]) -> Pose:
    """Pose of one frame; it changes smoothly from frame to frame.

    Args:
        seed: Seed of the data set.
        number: Number of the person, at least 0.
        frame: Number of the frame, at least 0.
        image_size: (height, width) in pixels.
    """
    waves = np.random.default_rng([seed, 5, number])
    periods, phases = waves.uniform(17, 30, 6), waves.uniform(0, 1, 6)
    x, y, z, yaw, pitch, roll = np.sin(2 * math.pi * (frame / periods + phases)).tolist()
    home_x, home_y, home_z, _ = quasirandom_numbers(seed, number)
    matrix = portrait_intrinsics(seed, number, image_size)
    height, width = image_size
    depth = 1000 + 340 * (home_z - 0.5) + 120 * z
    right = width * (0.5 + 0.40 * (home_x - 0.5) + 0.18 * x) - matrix[0, 2]
    down = height * (0.5 + 0.36 * (home_y - 0.5) + 0.17 * y) - matrix[1, 2]
    centre = np.array([right * depth / matrix[0, 0], down * depth / matrix[1, 1], depth])
    turns = [math.radians(limit * wave) for limit, wave in zip(_TURN_DEG, (yaw, pitch, roll), strict=True)]
    return Pose(_rotation(*turns), centre)


def _rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Rotation (3, 3) that nods, then turns, then tilts; angles in radians, about the y, x and z axis."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(angle), math.sin(angle)) for angle in (yaw, pitch, roll))
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    rotation: Floats = tilt @ turn @ nod
    return rotation
