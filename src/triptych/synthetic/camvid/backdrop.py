"""Surroundings of a made-up street: sky, ground with markings, distant trees, and the hood of the camera car."""

import cv2
import numpy as np
import numpy.typing as npt

from triptych.synthetic.camvid.canvas import CLASS_ID, NEAR_M, SIGHT_M, SUPERSAMPLE, StreetCanvas, flat, ribbon
from triptych.synthetic.camvid.look import Color, Street

_CROSSING_M = 33.0
"""Distance between two places for a zebra crossing, in metres; about half of the places have one."""


def crossings(street: Street, travel: float) -> list[float]:
    """Places along the street, in metres, of the zebra crossings in sight of a camera at `travel`."""
    first = int(travel // _CROSSING_M)
    numbers = range(first, first + 4)
    return [(number + 0.1) * _CROSSING_M for number in numbers if street.rng(9, number).random() < 0.5]


def draw_sky(canvas: StreetCanvas, time: float) -> None:
    """Paints a gradient down to the horizon, and clouds that drift slowly with `time`, in seconds."""
    light = canvas.street.light
    height, width = round(canvas.horizon_px / SUPERSAMPLE), canvas.mask.shape[1] // SUPERSAMPLE
    fraction = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = (1 - fraction) * np.array(light.sky_top, np.float32) + fraction * np.array(light.sky_low, np.float32)
    white = 0.35 * np.array(light.sky_low, np.float32) + 0.65 * np.minimum(250 * np.array(light.tint, np.float32), 255)
    cover = _clouds(canvas.street, (height, width), time)[..., None]
    painted = (sky + cover * (white - sky)).astype(np.uint8)
    canvas.image[:] = np.array(light.sky_low)  # a strip below the horizon may stay uncovered
    rows = canvas.image[: round(canvas.horizon_px)]
    cv2.resize(painted, (rows.shape[1], rows.shape[0]), dst=rows)


def _clouds(street: Street, size: tuple[int, int], time: float) -> npt.NDArray[np.float32]:
    """Opacity of the clouds at each pixel of the sky, in [0, 1], shape (H, W); `size` is (height, width)."""
    height, width = size[0] // 2, size[1] // 2
    cover = np.zeros((height, width), np.float32)
    rng = street.rng(7)
    for x, y, half in rng.uniform((0.0, 0.05, 0.03), (1.2, 0.85, 0.09), (street.light.clouds, 3)).tolist():
        for dx, dy, part in ((-1.1, 0.25, 0.7), (0.0, 0.0, 1.0), (1.0, 0.2, 0.8)):
            center = (round((x + dx * half - 0.004 * time) * width), round((y + dy * half) * height))
            axes = (round(1.4 * part * half * width), round(0.8 * part * half * width))
            cv2.ellipse(cover, center, axes, 0, 0, 360, (0.7,), -1)
    soft = cv2.resize(cv2.GaussianBlur(cover, (0, 0), width / 50), size[::-1])
    return soft.astype(np.float32, copy=False)


def draw_ground(canvas: StreetCanvas) -> None:
    """Paints grass, distant trees, sidewalks with kerbs, the road and its markings."""
    street, near = canvas.street, canvas.travel + NEAR_M
    far, half, walk = canvas.travel + 4 * SIGHT_M, street.road_half, street.facade_x
    canvas.fill([ribbon(-walk - 60, walk + 60, near, far)], (104, 122, 70), "VegetationMisc")
    _draw_far_trees(canvas)
    for x0, x1, color, label in (
        (-walk, walk, street.pavement, "Sidewalk"),
        (-half - 0.2, half + 0.2, (196, 194, 188), "Sidewalk"),
        (-half, half, street.road, "Road"),
    ):
        _draw_strip(canvas, x0, x1, color, label)
    for side in (-1, 1):
        _draw_strip(canvas, side * (half - 0.35), side * (half - 0.45), (222, 196, 92), "LaneMkgsDriv")
    first = int(canvas.travel // 6)
    dashes = [flat(-0.08, 0.08, 6 * i, 6 * i + 2.6) for i in range(first, first + 16)]
    canvas.fill(dashes, (228, 226, 218), "LaneMkgsDriv")
    _draw_crossings(canvas)


def _draw_strip(canvas: StreetCanvas, x0: float, x1: float, color: Color, label: str) -> None:
    near = canvas.travel + NEAR_M
    canvas.fill([ribbon(x0, x1, near, near + 4 * SIGHT_M)], color, label)


def _draw_far_trees(canvas: StreetCanvas) -> None:
    rng, s = canvas.street.rng(8), canvas.travel + SIGHT_M + 20
    centers = [(float(x), float(y), s) for x, y in zip(np.linspace(-90, 90, 30), rng.uniform(1, 6, 30), strict=True)]
    canvas.discs(centers, rng.uniform(4, 8, 30).tolist(), canvas.street.leaves, "Tree", 0.8)


def _draw_crossings(canvas: StreetCanvas) -> None:
    half = canvas.street.road_half
    for s in crossings(canvas.street, canvas.travel):
        bars = [flat(x, x + 0.5, s - 1.3, s + 1.3) for x in np.arange(-half + 0.6, half - 0.8, 1.0).tolist()]
        canvas.fill(bars, (226, 224, 216), "LaneMkgsDriv")


def draw_hood(canvas: StreetCanvas) -> None:
    """Paints the hood of the camera car along the lower edge; its class is Void (unlabelled)."""
    height, width = canvas.mask.shape
    center, axes = (width // 2, round(1.03 * height)), (round(0.56 * width), round(0.09 * height))
    s = canvas.travel
    cv2.ellipse(canvas.image, center, axes, 0, 180, 360, canvas.tone(canvas.street.hood, s, 0.75), -1)
    shine = (round(0.40 * width), round(0.065 * height))
    cv2.ellipse(canvas.image, center, shine, 0, 180, 360, canvas.tone(canvas.street.hood, s, 0.95), -1)
    cv2.ellipse(canvas.mask, center, axes, 0, 180, 360, (CLASS_ID["Void"],), -1)
