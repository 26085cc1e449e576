"""Writes images with coloured dots at named points, and tables of the points."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

COLORS = {
    "left_eye": (255, 0, 0),
    "right_eye": (0, 255, 0),
    "nose": (0, 0, 255),
    "left_mouth": (255, 255, 0),
    "right_mouth": (255, 0, 255),
}
"""The five points of a face, and the colour of the dot at each."""
NAMES = [*COLORS]
PAIRS = [["left_eye", "right_eye"], ["left_mouth", "right_mouth"]]
_FRACTIONS = np.array([(0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.35, 0.7), (0.65, 0.7)])

Face = Mapping[str, tuple[float, float]]
"""(x, y) in pixels of the points that are known, by name."""


def face(rng: np.random.Generator, size: tuple[int, int]) -> dict[str, tuple[float, float]]:
    """The five points of a face somewhere in the middle of an image of `size` (height, width)."""
    places = (_FRACTIONS + rng.uniform(-0.06, 0.06, (5, 2)) + rng.uniform(-0.1, 0.1, 2)) * size[::-1]
    return {name: (round(x, 2), round(y, 2)) for name, (x, y) in zip(NAMES, places.tolist(), strict=True)}


def dots(size: tuple[int, int], points: Face, radius: float = 2.5) -> npt.NDArray[np.uint8]:
    """A grey image (H, W, 3) with a dot in its own colour at each point."""
    image = np.full((*size, 3), 100, np.uint8)
    rows, columns = np.indices(size) + 0.5
    for name, (x, y) in points.items():
        image[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = COLORS[name]
    return image


def write_table(path: Path, rows: Iterable[Sequence[object]], header: str = "path,name,y_px,x_px") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return path


def write_faces(
    root: Path, count: int = 12, size: tuple[int, int] = (48, 64), missing: float = 0.0, seed: int = 0
) -> list[Face]:
    """Writes `points.csv` and faces in two folders; a fraction of the points has no row or empty cells.

    Returns:
        The points that the table has, image by image.
    """
    rng = np.random.default_rng(seed)
    rows: list[Sequence[object]] = []
    faces = []
    for number in range(count):
        points = face(rng, size)
        path = root / "ab"[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dots(size, points)).save(path)
        name = path.relative_to(root).as_posix()
        known = {point: place for point, place in points.items() if rng.random() >= missing or point == "nose"}
        rows += [(name, point, y, x) for point, (x, y) in known.items()]
        rows += [(name, point, "", "") for point in NAMES if point not in known and rng.random() < 0.5]
        faces.append(known)
    write_table(root / "points.csv", rows)
    return faces
