"""Folders of corrections, as `triptych serve` saves them, with made-up images that are in no other folder of a test."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from points_files import NAMES, dots, face, write_table

from triptych.synthetic import make_streets, make_tiles

SEED = 7


def write_corrections(task: str, folder: Path, count: int = 3) -> Path:
    """Corrected images of a task, with what the model had said beside them."""
    if task == "camvid":
        make_streets(folder, num_frames=count, image_size=(64, 96), seed=SEED)
        (folder / "valid.txt").unlink()
    elif task == "planet":
        make_tiles(folder, num_tiles=count, image_size=(32, 32), seed=SEED)
    else:
        write_points(folder, count, NAMES if task == "points" else ["centre"])
    (folder / "said").mkdir()
    (folder / "said" / "1.json").write_text(json.dumps({"points": []}))
    return folder


def write_points(folder: Path, count: int, names: Sequence[str]) -> None:
    """Images of 48x64 with some of the points of a face; any other name is that of the nose."""
    rng = np.random.default_rng(SEED)
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        points = face(rng, (48, 64))
        Image.fromarray(dots((48, 64), points)).save(folder / "images" / f"{number}.png")
        places = [points.get(name, points["nose"]) for name in names]
        rows += [(f"images/{number}.png", name, y, x) for name, (x, y) in zip(names, places, strict=True)]
    write_table(folder / "points.csv", rows)
