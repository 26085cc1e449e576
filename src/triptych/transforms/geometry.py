"""The course's flip, perspective warp, rotation, zoom and resizing, as one homography with a single interpolation.

A homography here maps a point of the result to the point of the source that it shows; both are (x, y) in [-1, 1], with
-1 at the left or top edge, as in the course.

Sources: fastai 1.0, `vision/transform.py` (`rotate`, `zoom`, `symmetric_warp`).
"""

import functools
import math
import random
from collections.abc import Sequence
from typing import Any, Literal

import albumentations as A
import cv2
import numpy as np
import numpy.typing as npt
from albumentations.core.type_definitions import Targets

from triptych.views import Pairs, mirrored_order

Matrix = npt.NDArray[np.float64]
TRIES = 10
_CORNERS = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=np.float32)


def flip() -> Matrix:
    """Swaps left and right."""
    return np.diag([-1.0, 1.0, 1.0])


def transpose() -> Matrix:
    """Swaps rows and columns."""
    return np.eye(3)[[1, 0, 2]]


def rotation(degrees: float, aspect: float) -> Matrix:
    """Rotates about the centre by `degrees`; `aspect` is height / width, so that angles are kept in pixels."""
    angle = math.radians(degrees)
    sin, cos = math.sin(angle), math.cos(angle)
    return np.array([[cos, -sin * aspect, 0.0], [sin / aspect, cos, 0.0], [0.0, 0.0, 1.0]])


def zoom(scale: float, column: float, row: float) -> Matrix:
    """Enlarges by `scale` >= 1; `column` and `row` in [0, 1] choose the part that stays visible (0 is left or top)."""
    slack = 1 - 1 / scale
    return np.array(
        [[1 / scale, 0.0, slack * (2 * column - 1)], [0.0, 1 / scale, slack * (2 * row - 1)], [0.0, 0.0, 1.0]]
    )


def symmetric_warp(magnitudes: tuple[float, float, float, float]) -> Matrix:
    """Tilts: the right, left, bottom and top edge grow (positive) or shrink at both ends, in half image sizes."""
    right, left, bottom, top = magnitudes
    corners = [[-1 - top, -1 - left], [-1 - bottom, 1 + left], [1 + top, -1 - right], [1 + bottom, 1 + right]]
    target = np.array(corners, dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(target, _CORNERS), dtype=np.float64)


def _square_symmetries() -> list[Matrix]:
    mirrors = [np.diag([x, y, 1.0]) for x in (1.0, -1.0) for y in (1.0, -1.0)]
    return mirrors + [transpose() @ mirror for mirror in mirrors]


Symmetries = Literal["none", "mirror", "square"]
"""No symmetry, mirroring left and right, or all eight symmetries of the square."""
SYMMETRIES: dict[Symmetries, list[Matrix]] = {
    "none": [np.eye(3)],
    "mirror": [np.eye(3), flip()],
    "square": _square_symmetries(),
}


def to_pixels(height: int, width: int) -> Matrix:
    """Maps [-1, 1] to pixel coordinates, with whole numbers at the centres of pixels as in OpenCV."""
    return np.array([[width / 2, 0.0, width / 2 - 0.5], [0.0, height / 2, height / 2 - 0.5], [0.0, 0.0, 1.0]])


@functools.cache
def _from_pixels(height: int, width: int) -> Matrix:
    """The inverse of `to_pixels`; read-only."""
    matrix = np.asarray(np.linalg.inv(to_pixels(height, width)))
    matrix.flags.writeable = False
    return matrix


class LessonGeometry(A.DualTransform):
    """The course's random flip, warp, rotation and zoom, with resizing, of image, mask and points together.

    Each part is drawn independently: the flip with probability one half, the others with `p_affine`. Pixels that the
    warp uncovers mirror the image; in the mask they are `fill_mask`. A draw that would move a point out of the image is
    repeated; after `TRIES` draws the image is only resized. The result is sampled from the image at its full size, so
    that zooming shows all detail; sides longer than twice the result's are first averaged down to that, against
    aliasing. A missing point, which is NaN, stays missing.

    Args:
        size: (height, width) in pixels of the result.
        max_rotate: Largest rotation in either direction, in degrees.
        max_zoom: Largest enlargement, at least 1.
        max_warp: Largest magnitude of the perspective warp, in half image sizes.
        p_affine: Probability of each of rotation, zoom and warp.
        fill_mask: Class id of pixels that the warp uncovers.
        symmetries: Set of which one is drawn first: `"none"`, `"mirror"` for left and right, `"square"` for all eight
            of the square.
        min_area: Below 1, each draw has a random crop instead of the zoom; it keeps a fraction of the area that is
            uniform in [min_area, 1].
        flip_pairs: Points that change places in a mirrored image, so that a left eye is still a left eye.
        crops: Number of draws of which the one with the most pixels of the classes `rare` is kept.
        rare: Class ids, for several `crops`.
    """

    _targets = (Targets.IMAGE, Targets.MASK, Targets.KEYPOINTS)

    class InitSchema(A.DualTransform.InitSchema):
        size: tuple[int, int]
        max_rotate: float
        max_zoom: float
        max_warp: float
        p_affine: float
        fill_mask: int
        symmetries: Symmetries
        min_area: float
        flip_pairs: Pairs
        crops: int
        rare: Sequence[int]

    def __init__(
        self,
        size: tuple[int, int],
        max_rotate: float,
        max_zoom: float,
        max_warp: float,
        p_affine: float,
        fill_mask: int = 0,
        symmetries: Symmetries = "mirror",
        min_area: float = 1.0,
        flip_pairs: Pairs = (),
        crops: int = 1,
        rare: Sequence[int] = (),
        p: float = 1.0,
    ) -> None:
        super().__init__(p=p)
        self.size, self.min_area, self.flip_pairs = size, min_area, flip_pairs
        self.max_rotate, self.max_zoom, self.max_warp = max_rotate, max_zoom, max_warp
        self.p_affine, self.fill_mask, self.symmetries = p_affine, fill_mask, symmetries
        self.crops, self.rare = crops, rare

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """`matrix` maps pixels of the result to points in [-1, 1] of the source, at any size of the source."""
        drawn = [self._drawn(params, data) for _ in range(self.crops)]
        return max(drawn, key=lambda one: self._rare_pixels(one, data)) if self.crops > 1 else drawn[0]

    def _rare_pixels(self, drawn: dict[str, Any], data: dict[str, Any]) -> int:
        return int(np.isin(self.apply_to_mask(data["mask"], **drawn), self.rare).sum())

    def _drawn(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        height, width = self.size
        from_result = _from_pixels(height, width)
        to_source = to_pixels(*params["shape"][:2])
        points = data.get("keypoints", np.empty((0, 2)))[:, :2]
        for _ in range(TRIES):
            matrix = self.draw(self.py_random, height / width) @ from_result
            if not len(points) or _all_inside(move_points(points, to_source @ matrix), height, width):
                return {"matrix": matrix, "only_resized": False}
        return {"matrix": from_result, "only_resized": True}

    def draw(self, rng: random.Random, aspect: float) -> Matrix:
        """One random homography for a result of `aspect` = height / width."""
        matrix = rng.choice(SYMMETRIES[self.symmetries])
        if rng.random() < self.p_affine:
            w = self.max_warp
            magnitudes = (rng.uniform(-w, w), rng.uniform(-w, w), rng.uniform(-w, w), rng.uniform(-w, w))
            matrix = symmetric_warp(magnitudes) @ matrix
        if rng.random() < self.p_affine:
            matrix = rotation(rng.uniform(-self.max_rotate, self.max_rotate), aspect) @ matrix
        if self.min_area < 1:
            area = rng.uniform(self.min_area, 1)
            matrix = zoom(1 / math.sqrt(area), rng.random(), rng.random()) @ matrix
        elif rng.random() < self.p_affine:
            matrix = zoom(rng.uniform(1, self.max_zoom), rng.random(), rng.random()) @ matrix
        return matrix

    def apply(self, img: npt.NDArray[np.uint8], matrix: Matrix, **params: Any) -> npt.NDArray[np.uint8]:
        return _warp(_averaged(img, self.size), matrix, self.size, cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)

    def apply_to_keypoints(self, keypoints: Matrix, matrix: Matrix, **params: Any) -> Matrix:
        to_source = to_pixels(*params["shape"][:2])
        moved = np.hstack([move_points(keypoints[:, :2], to_source @ matrix), keypoints[:, 2:]])
        return moved[mirrored_order(len(moved), self.flip_pairs)] if np.linalg.det(matrix) < 0 else moved

    def apply_to_mask(self, mask: npt.NDArray[np.uint8], matrix: Matrix, **params: Any) -> npt.NDArray[np.uint8]:
        return _warp(mask, matrix, self.size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT, self.fill_mask)


def move_points(points: Matrix, matrix: Matrix) -> Matrix:
    """Maps points of the source to the result.

    Args:
        points: (x, y) in pixels from the left and top edge of the image, (P, 2).
        matrix: Homography from pixels of the result to pixels of the source, with whole numbers at pixel centres.

    Returns:
        (P, 2), like `points`.
    """
    homogeneous = np.hstack([points - 0.5, np.ones((len(points), 1))]) @ np.linalg.inv(matrix).T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:] + 0.5)


def _all_inside(points: Matrix, height: int, width: int) -> bool:
    """Whether no known point is outside; comparisons with NaN, a missing one, are false."""
    return not ((points < 0) | (points > (width, height))).any()


def _averaged(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """`image`, averaged down if a side is longer than twice that of `size` (height, width)."""
    height, width = min(image.shape[0], 2 * size[0]), min(image.shape[1], 2 * size[1])
    if (height, width) == image.shape[:2]:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _warp(
    image: npt.NDArray[np.uint8],
    matrix: Matrix,
    size: tuple[int, int],
    interpolation: int,
    border: int,
    fill: int = 0,
) -> npt.NDArray[np.uint8]:
    """`image` warped to `size` (height, width) by `matrix`, which maps pixels of the result to [-1, 1]."""
    matrix = to_pixels(*image.shape[:2]) @ matrix
    flags = interpolation | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(image, matrix, size[::-1], flags=flags, borderMode=border, borderValue=fill)
    return np.asarray(warped, dtype=np.uint8)
