"""Flip, perspective warp, rotation and zoom of the course, as one homography and so one interpolation.

A homography here maps a place in the result to the place in the source it shows; both are (x, y) in [-1, 1], -1 the
left or top edge, as in the course. Sources: fastai 1.0, `vision/transform.py` (`rotate`, `zoom`, `symmetric_warp`).
"""

import math
import random
from typing import Any

import albumentations as A
import cv2
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
CORNERS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float32)


def flip() -> Matrix:
    """Left becomes right."""
    return np.diag([-1.0, 1.0, 1.0])


def rotation(degrees: float, aspect: float) -> Matrix:
    """Turn about the centre by `degrees`; `aspect` is height / width, so that right angles stay right."""
    angle = math.radians(degrees)
    sin, cos = math.sin(angle), math.cos(angle)
    return np.array([[cos, -sin * aspect, 0.0], [sin / aspect, cos, 0.0], [0.0, 0.0, 1.0]])


def zoom(scale: float, column: float, row: float) -> Matrix:
    """Enlarge by `scale` >= 1; `column` and `row` in [0, 1] choose what stays in sight (0 is left or top)."""
    slack = 1 - 1 / scale
    return np.array(
        [[1 / scale, 0.0, slack * (2 * column - 1)], [0.0, 1 / scale, slack * (2 * row - 1)], [0.0, 0.0, 1.0]]
    )


def symmetric_warp(magnitudes: tuple[float, float, float, float]) -> Matrix:
    """Tilt: the right, left, bottom and top edge grow (positive) or shrink at both ends, in half picture sizes."""
    right, left, bottom, top = magnitudes
    corners = [[-1 - top, -1 - left], [-1 - bottom, 1 + left], [1 + top, -1 - right], [1 + bottom, 1 + right]]
    target = np.array(corners, dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(target, CORNERS), dtype=np.float64)


def to_pixels(height: int, width: int) -> Matrix:
    """From [-1, 1] to pixel positions with whole numbers at the centres of pixels, as OpenCV counts."""
    return np.array([[width / 2, 0.0, width / 2 - 0.5], [0.0, height / 2, height / 2 - 0.5], [0.0, 0.0, 1.0]])


class LessonGeometry(A.DualTransform):
    """The course's random flip, warp, rotation and zoom of image, mask and points together.

    Each part is drawn on its own: the flip with probability one half, the others with `p_affine`. What the warp
    uncovers mirrors the image; in the mask it is `fill_mask`.

    Args:
        max_rotate: Largest rotation either way, in degrees.
        max_zoom: Largest enlargement, at least 1.
        max_warp: Largest magnitude of the perspective warp, in half picture sizes.
        p_affine: Probability of each of rotation, zoom and warp.
        fill_mask: Class id for what the warp uncovers.
    """

    _targets = (A.core.type_definitions.Targets.IMAGE, A.core.type_definitions.Targets.MASK)

    class InitSchema(A.DualTransform.InitSchema):
        max_rotate: float
        max_zoom: float
        max_warp: float
        p_affine: float
        fill_mask: int

    def __init__(
        self, max_rotate: float, max_zoom: float, max_warp: float, p_affine: float, fill_mask: int, p: float = 1.0
    ) -> None:
        super().__init__(p=p)
        self.max_rotate, self.max_zoom, self.max_warp = max_rotate, max_zoom, max_warp
        self.p_affine, self.fill_mask = p_affine, fill_mask

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = params["shape"][:2]
        pixels = to_pixels(height, width)
        return {"matrix": pixels @ self.draw(self.py_random, height / width) @ np.linalg.inv(pixels)}

    def draw(self, rng: random.Random, aspect: float) -> Matrix:
        """One random homography for a picture of `aspect` = height / width."""
        matrix = np.eye(3)
        if rng.random() < 0.5:
            matrix = flip() @ matrix
        if rng.random() < self.p_affine:
            w = self.max_warp
            magnitudes = (rng.uniform(-w, w), rng.uniform(-w, w), rng.uniform(-w, w), rng.uniform(-w, w))
            matrix = symmetric_warp(magnitudes) @ matrix
        if rng.random() < self.p_affine:
            matrix = rotation(rng.uniform(-self.max_rotate, self.max_rotate), aspect) @ matrix
        if rng.random() < self.p_affine:
            matrix = zoom(rng.uniform(1, self.max_zoom), rng.random(), rng.random()) @ matrix
        return matrix

    def apply(self, img: npt.NDArray[np.uint8], matrix: Matrix, **params: Any) -> npt.NDArray[np.uint8]:
        return _warp(img, matrix, cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)

    def apply_to_mask(self, mask: npt.NDArray[np.uint8], matrix: Matrix, **params: Any) -> npt.NDArray[np.uint8]:
        return _warp(mask, matrix, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT, self.fill_mask)


def _warp(
    image: npt.NDArray[np.uint8], matrix: Matrix, interpolation: int, border: int, fill: int = 0
) -> npt.NDArray[np.uint8]:
    height, width = image.shape[:2]
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(image, matrix, (width, height), flags=flags, borderMode=border, borderValue=fill)
    return np.asarray(warped, dtype=np.uint8)
