"""Writes BIWI's files with numbers that a test chooses."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

ROTATION = "0.999 0.001 -0.04 \n-0.002 0.998 0.05 \n0.04 -0.05 0.998 \n"
AFTER_INTRINSICS = "0 0 0 0 \n\n1 0 0 \n0 1 0 \n0 0 1 \n\n-24.0198 5.8896 -13.2308 \n\n640 480 \n"


class Camera(NamedTuple):
    """Intrinsics in pixels."""

    fx: float = 517.679
    fy: float = 517.679
    cx: float = 320.0
    cy: float = 240.5

    def text(self) -> str:
        """The text of `rgb.cal`."""
        rows = f"{self.fx!r} 0 {self.cx!r} \n0 {self.fy!r} {self.cy!r} \n0 0 1 \n"
        return f"{rows}\n{AFTER_INTRINSICS}"

    def centre_mm(self, x: float, y: float, depth: float = 900.0) -> tuple[float, float, float]:
        """The place at `depth` that this camera sees at (x, y) pixels."""
        return (x - self.cx) * depth / self.fx, (y - self.cy) * depth / self.fy, depth


def pose_text(centre_mm: Sequence[float]) -> str:
    """The text of a pose file, such as `frame_00003_pose.txt`."""
    return f"{ROTATION}\n{' '.join(map(repr, centre_mm))} \n"


def dotted(size: tuple[int, int], x: float, y: float, radius: float) -> npt.NDArray[np.uint8]:
    """A black image (H, W, 3) with a soft white dot at (x, y) pixels from its left and top edge."""
    rows, columns = np.indices(size) + 0.5
    light = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))
    return np.repeat(light.round().astype(np.uint8)[..., None], 3, axis=2)


def write_person(
    folder: Path,
    points_px: Sequence[tuple[float, float]],
    size: tuple[int, int] = (48, 64),
    camera: Camera | None = None,
    suffix: str = ".png",
) -> Path:
    """Writes one person: frames of `size` (height, width) with a dot at each of the points (x, y), and their poses."""
    camera = camera or Camera(fx=51.0, fy=52.0, cx=33.0, cy=23.0)
    folder.mkdir(parents=True)
    (folder / "rgb.cal").write_text(camera.text())
    for number, (x, y) in enumerate(points_px, start=3):
        stem = folder / f"frame_{number:05d}"
        Image.fromarray(dotted(size, x, y, radius=2)).save(f"{stem}_rgb{suffix}")
        Path(f"{stem}_pose.txt").write_text(pose_text(camera.centre_mm(x, y)))
    return folder
