"""Painted ellipsoids, and the small renderer that draws made-up people with them.

A person is a few ellipsoids. The ray of each pixel is intersected with each of them. The nearest intersection is
visible, shaded by the slope of the surface.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triptych.synthetic.biwi.look import Color

Floats = npt.NDArray[np.float32]
Point = tuple[float, float, float]
"""x to the right, y down, z away from the camera, in millimetres."""


class Surface:
    """The N visible points of a solid and the paint on them.

    Args:
        points: Their x, y and z in the axes of the head or body, shape (3, N), in millimetres.
        color: Initial colour of all points.
        pixel_mm: Width of a pixel in millimetres; edges of paint are blurred over this width.
    """

    def __init__(self, points: Floats, color: Color, pixel_mm: float) -> None:
        self.x, self.y, self.z = points
        self.color: Floats = np.tile(np.array(color, np.float32), (points.shape[1], 1))
        self.cover: Floats = np.ones(points.shape[1], np.float32)
        self._pixel_mm = pixel_mm

    def paint(self, color: Color, inside_mm: Floats, strength: float = 1.0) -> None:
        """Paints where `inside_mm` (N,), the distance to the edge of a shape, is positive, with opacity `strength`."""
        fraction = strength * self._inside_fraction(inside_mm)
        touched = np.flatnonzero(fraction)
        self.color[touched] += fraction[touched, None] * (np.array(color, np.float32) - self.color[touched])

    def keep(self, inside_mm: Floats) -> None:
        """Removes what lies outside a shape; `inside_mm` as for `paint`."""
        self.cover *= self._inside_fraction(inside_mm)

    def oval(self, x: float, y: float, half_width: float, half_height: float) -> Floats:
        """Distance (N,) to the edge of an oval on the front of the solid, positive inside."""
        radius = np.sqrt(((self.x - x) / half_width) ** 2 + ((self.y - y) / half_height) ** 2)
        return np.where(self.z < 0, (1 - radius) * min(half_width, half_height), np.float32(-1e3))

    def bow(self, x: float, y: float, half_width: float, bend: float, thickness: float) -> Floats:
        """Distance (N,) to the edge of a curved line, positive inside; its ends are `bend` mm below its middle."""
        across = (self.x - x) / half_width
        off = np.abs(self.y - y - bend * across**2)
        inside = np.minimum(thickness / 2 * (1.2 - across**2) - off, half_width * (1 - np.abs(across)))
        return np.where(self.z < 0, inside, np.float32(-1e3))

    def _inside_fraction(self, inside_mm: Floats) -> Floats:
        fraction: Floats = np.clip(0.5 + inside_mm / self._pixel_mm, 0, 1)
        return fraction


@dataclass(frozen=True)
class Solid:
    """An ellipsoid.

    Args:
        center: Its middle in the axes of the head or body.
        axes: Half its width, height and depth in millimetres.
        color: Its colour before paint and light.
        paint: Function that paints its surface; None leaves it plain.
    """

    center: Point
    axes: Point
    color: Color
    paint: Callable[[Surface], None] | None = None


class Easel:
    """An image that solids are drawn into, with the depth of each pixel.

    Args:
        image: Background, (H, W, 3), values in [0, 255], contiguous; it is painted over.
        origin_px: (x, y) of the pixel where the axes of all solids begin.
        scale: Pixels per millimetre, across and down.
        light: Direction to the light, of length 1.
        tint: Factors on red, green and blue of every surface.
    """

    def __init__(
        self, image: Floats, origin_px: tuple[float, float], scale: tuple[float, float], light: Point, tint: Color
    ) -> None:
        self.image = image
        self._depth: Floats = np.full(image.shape[:2], np.inf, np.float32)
        self._origin, self._scale = origin_px, scale
        self._light = np.array(light, np.float32)
        self._tint = np.array(tint, np.float32)

    def draw(self, solid: Solid, rotation: npt.NDArray[np.float64]) -> None:
        """Draws one solid where nothing nearer has been drawn.

        Args:
            solid: What to draw.
            rotation: Rotation from its axes to the camera's, shape (3, 3).
        """
        turn, axes = rotation.astype(np.float32), np.array(solid.axes, np.float32)
        middle = turn @ np.array(solid.center, np.float32)
        reach = np.sqrt(((turn * axes) ** 2).sum(axis=1))
        (left, right), (top, bottom) = (self._range(i, float(middle[i]), float(reach[i])) for i in (0, 1))
        if left >= right or top >= bottom:
            return
        a = ((np.arange(left, right) + 0.5 - self._origin[0]) / self._scale[0] - middle[0]).astype(np.float32)
        b = ((np.arange(top, bottom) + 0.5 - self._origin[1]) / self._scale[1] - middle[1]).astype(np.float32)
        window = slice(top, bottom), slice(left, right)
        rim, depth = _intersect(a, b, turn / axes)
        fraction = rim * (reach[:2].min() * self._scale[0] / 2) + 0.5  # of each pixel inside the outline
        rows, columns = np.nonzero((fraction > 0) & (depth + middle[2] < self._depth[window]))
        rays = np.stack([a[columns], b[rows], depth[rows, columns]])
        local = turn.T @ rays
        surface = Surface(local + np.array(solid.center, np.float32)[:, None], solid.color, 1 / self._scale[0])
        if solid.paint is not None:
            solid.paint(surface)
        surface.cover *= np.minimum(1, fraction[rows, columns])
        place = (rows + top) * self.image.shape[1] + columns + left
        self._lay(surface, self._lit(turn, local, axes), place, rays[2] + middle[2])

    def _range(self, axis: int, middle: float, reach: float) -> tuple[int, int]:
        """First pixel that a solid can cover, and the pixel after the last, across (axis 0) or down (axis 1)."""
        side = self.image.shape[1 - axis]
        first = self._origin[axis] + (middle - reach) * self._scale[axis]
        last = self._origin[axis] + (middle + reach) * self._scale[axis]
        return max(0, int(first) - 1), min(side, int(last) + 2)

    def _lit(self, turn: Floats, local: Floats, axes: Floats) -> Floats:
        """Factor (N, 1) on the brightness of each point: largest where the surface faces the light."""
        normal = local / (axes**2)[:, None]
        normal /= np.sqrt((normal**2).sum(axis=0))
        toward: Floats = (turn.T @ self._light) @ normal
        shine: Floats = np.maximum(toward, np.float32(0)) ** 6
        lit: Floats = 0.80 + 0.30 * toward + 0.10 * shine
        return lit[:, None]

    def _lay(self, surface: Surface, lit: Floats, place: npt.NDArray[np.intp], depth: Floats) -> None:
        """Draws points over the image; `place` (N,) are their pixels, counted row by row."""
        pixels = self.image.reshape(-1, 3)
        color = np.minimum(surface.color * lit * self._tint, 255)
        below = pixels[place]
        pixels[place] = below + surface.cover[:, None] * (color - below)
        solid = surface.cover > 0.5
        self._depth.reshape(-1)[place[solid]] = depth[solid]


def _intersect(a: Floats, b: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Intersects rays along z with an ellipsoid around the origin.

    Args:
        a: x of the rays, shape (W,).
        b: y of the rays, shape (H,).
        shape: Rotation of the ellipsoid, each column divided by the length of that axis, shape (3, 3).

    Returns:
        How far inside the outline each ray passes, 1 in the middle and 0 or less outside, and z of the nearer
        intersection; both (H, W).
    """
    gram = shape @ shape.T
    slope = -(gram[2, 0] * a[None, :] + gram[2, 1] * b[:, None]) / gram[2, 2]
    flat = gram[0, 0] * a[None, :] ** 2 + 2 * gram[0, 1] * a[None, :] * b[:, None] + gram[1, 1] * b[:, None] ** 2
    rim = 1 - flat + gram[2, 2] * slope**2
    return rim, slope - np.sqrt(np.maximum(rim, 0) / gram[2, 2])
