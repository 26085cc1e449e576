"""An image and its mask, drawn together in street coordinates through one camera.

A point of the street is (x, y, s) in metres: x to the right of the middle of the road, y above the ground, and s along
the road.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from triptych.datasets.camvid_classes import OFFICIAL_NAMES
from triptych.synthetic.camvid.look import Color, Street

NEAR_M = 1.5
"""Least distance from the camera, in metres. Closer points are moved to this distance; they are then out of view."""

SIGHT_M = 95.0
"""Largest distance ahead at which things are drawn, in metres."""

_DETAIL_M = 50.0
"""Largest distance ahead at which small parts are drawn, in metres."""

_FOCAL = 0.8
"""Focal length as a fraction of the width of a 4:3 image: a view of 64 degrees, roughly that of CamVid's camera."""

CAMERA_Y = 1.5
"""Height of the camera above the ground, in metres."""

_HAZE_M = 210.0
"""Distance at which haze hides half of a colour, in metres."""

SUPERSAMPLE = 2
"""Factor on the height and width of the image while it is drawn."""

CLASS_ID = {name: i for i, name in enumerate(OFFICIAL_NAMES)}

Image = npt.NDArray[np.uint8]
Point = tuple[float, float, float]
"""(x, y, s) in metres."""

Outline = Sequence[Point]


def upright(x: float, y0: float, y1: float, s0: float, s1: float) -> Outline:
    """Rectangle along the street, such as a facade."""
    return (x, y0, s0), (x, y1, s0), (x, y1, s1), (x, y0, s1)


def facing(x0: float, x1: float, y0: float, y1: float, s: float) -> Outline:
    """Rectangle across the street, such as the back of a car."""
    return (x0, y0, s), (x0, y1, s), (x1, y1, s), (x1, y0, s)


def flat(x0: float, x1: float, s0: float, s1: float) -> Outline:
    """Rectangle on the ground, such as a lane marking."""
    return (x0, 0.0, s0), (x0, 0.0, s1), (x1, 0.0, s1), (x1, 0.0, s0)


def ribbon(x0: float, x1: float, s0: float, s1: float) -> Outline:
    """Long rectangle on the ground that follows the bend of the road; its points are closer together near `s0`."""
    steps = [s0 + (s1 - s0) * (i / 16) ** 2 for i in range(17)]
    return [*((x0, 0.0, s) for s in steps), *((x1, 0.0, s) for s in reversed(steps))]


class StreetCanvas:
    """Draws polygons, discs and strokes into an image and a mask of twice the requested size.

    Args:
        street: Position of the camera, bend of the road and light.
        travel: Distance that the camera has travelled along the street, in metres.
        image_size: (height, width) of the finished image, in pixels.
    """

    def __init__(self, street: Street, travel: float, image_size: tuple[int, int]) -> None:
        self.street = street
        self.travel = travel
        height, width = (SUPERSAMPLE * side for side in image_size)
        self.focal_px = _FOCAL * max(width, height * 4 / 3)
        self.middle_px = width / 2
        self.horizon_px = street.horizon * height
        self.image: Image = np.zeros((height, width, 3), np.uint8)
        self.mask: Image = np.full((height, width), CLASS_ID["Sky"], np.uint8)

    def distance(self, s: float) -> float:
        """Distance in metres from the camera to the place `s` along the street, at least `NEAR_M`."""
        return max(s - self.travel, NEAR_M)

    def shows_detail(self, s: float) -> bool:
        """Whether small parts (windows, lamps, limbs) at the place `s` along the street are drawn."""
        return s - self.travel < _DETAIL_M

    def project(self, outline: Outline) -> list[tuple[int, int]]:
        """Pixels (column, row) of street points; in plain Python, because numpy is slow for a few points."""
        camera_x, curve, middle, horizon = self.street.camera_x, self.street.curve, self.middle_px, self.horizon_px
        pixels = []
        for x, y, s in outline:
            z = max(s - self.travel, NEAR_M)
            scale = self.focal_px / z
            column = round(middle + (x - camera_x + curve * z * z) * scale)
            pixels.append((column, round(horizon + (CAMERA_Y - y) * scale)))
        return pixels

    def visible(self, outlines: Iterable[Outline]) -> list[npt.NDArray[np.int32]]:
        """Pixels (P, 2) of each outline that is at least partly in front of the camera."""
        limit = self.travel + NEAR_M
        return [np.array(self.project(points), np.int32) for points in outlines if any(p[2] > limit for p in points)]

    def tone(self, color: Color, s: float, lit: float = 1.0) -> tuple[int, int, int]:
        """Colour of a surface in the image: multiplied by `lit` and the tint of the light, then faded by haze."""
        clear = 2.0 ** (-self.distance(s) / _HAZE_M)
        tint, haze = self.street.light.tint, self.street.light.sky_low
        red, green, blue = [clear * min(255.0, color[i] * lit * tint[i]) + (1 - clear) * haze[i] for i in range(3)]
        return round(red), round(green), round(blue)

    def fill(self, outlines: Sequence[Outline], color: Color, label: str | None = None, lit: float = 1.0) -> None:
        """Fills polygons of one colour.

        Args:
            outlines: Corners of each polygon.
            color: Colour before light and haze.
            label: Class to write into the mask; None leaves the mask as it is (a window stays Building).
            lit: Factor on the brightness, 1 for a surface in plain light.
        """
        if not (pixels := self.visible(outlines)):
            return
        cv2.fillPoly(self.image, pixels, self.tone(color, outlines[0][0][2], lit))
        if label is not None:
            cv2.fillPoly(self.mask, pixels, (CLASS_ID[label],))

    def discs(
        self, centers: Outline, radii: Sequence[float], color: Color, label: str | None = None, lit: float = 1.0
    ) -> None:
        """Fills upright discs of one colour at one distance; `radii` in metres."""
        s = centers[0][2]
        scale, tone = self.focal_px / self.distance(s), self.tone(color, s, lit)
        if s <= self.travel + NEAR_M:
            return
        for place, radius in zip(self.project(centers), radii, strict=True):
            radius_px = max(1, round(radius * scale))
            cv2.circle(self.image, place, radius_px, tone, -1)
            if label is not None:
                cv2.circle(self.mask, place, radius_px, (CLASS_ID[label],), -1)

    def stroke(self, points: Outline, width: float, color: Color, label: str | None = None, lit: float = 1.0) -> None:
        """Draws a line through `points`, `width` metres thick and at least one pixel."""
        s = points[0][2]
        width_px = max(SUPERSAMPLE, round(width * self.focal_px / self.distance(s)))
        pixels = self.visible([points])
        cv2.polylines(self.image, pixels, False, self.tone(color, s, lit), width_px)
        if label is not None:
            cv2.polylines(self.mask, pixels, False, (CLASS_ID[label],), width_px)

    def darken(self, outlines: Iterable[Outline], strength: float) -> None:
        """Draws shadows: reduces the brightness inside the polygons by the fraction `strength`, in [0, 1]."""
        shade = np.zeros(self.mask.shape, np.uint8)
        for pixels in self.visible(outlines):
            cv2.fillPoly(shade, [pixels], (255,))
        cv2.copyTo(cv2.convertScaleAbs(self.image, alpha=1 - strength), shade, self.image)

    def finished(self) -> tuple[Image, Image]:
        """Image (H, W, 3) with smooth edges and mask (H, W), both of the requested size."""
        height, width = (side // SUPERSAMPLE for side in self.mask.shape)
        image = cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA)
        return image.astype(np.uint8, copy=False), self.mask[::SUPERSAMPLE, ::SUPERSAMPLE].copy()
