"""Draws the README's picture from made-up data: `python docs/make_pictures.py`."""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex

from triptych.datasets import BIWI, CamVid, Planet
from triptych.datasets.camvid_classes import class_colors
from triptych.draw.masks import Classes, class_keys, paint
from triptych.draw.sheet import Tile, sheet
from triptych.draw.text import Word, sentence
from triptych.synthetic import make_portraits, make_streets, make_tiles

PICTURE = Path(__file__).parent / "pictures" / "panels.png"
SIZE = (240, 320)
WIDTH = 3.4
"""Width of a panel in inches."""
SHOWN = 7
"""Number of classes named below the street."""


def street(folder: Path) -> Tile:
    """A street under the colours of its classes, and their names."""
    frames = CamVid(make_streets(folder, num_frames=24, image_size=SIZE, seed=3))
    frame = frames[3]
    classes = Classes(frames.class_names, class_colors(frames.class_names), frames.ignore_index)
    keys = class_keys([frame["mask"]], classes)
    names = [word for patch, label in keys[:SHOWN] for word in (Word("■", to_hex(patch.get_facecolor())), Word(label))]
    return Tile(paint(frame["image"], frame["mask"], classes), words=names)


def portrait(folder: Path) -> Tile:
    """A portrait with the centre of the head."""
    frames = BIWI(make_portraits(folder, num_persons=3, frames_per_person=4, image_size=SIZE))
    frame = frames[6]
    points = frame["keypoints"][:, ::-1].tolist()
    return Tile(frame["image"], words=[Word("y {:.0f} px, x {:.0f} px".format(*points[0]))], true_points=points)


def tile(folder: Path) -> Tile:
    """The tile with the most tags, and their names."""
    tiles = Planet(make_tiles(folder, num_tiles=60, image_size=(SIZE[1], SIZE[1])))
    record = max((tiles[i] for i in range(len(tiles))), key=lambda record: record["labels"].sum())
    tags = sentence(", ".join(tiles.tags[i] for i in np.flatnonzero(record["labels"])))
    return Tile(record["image"][-SIZE[0] :], words=tags)


def main() -> None:
    """Saves the three panels side by side."""
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        panels = [draw(Path(folder) / draw.__name__) for draw in (street, portrait, tile)]
        headings = ["pixels: CamVid's streets", "a point: BIWI's heads", "tags: Planet's tiles"]
        sheet(panels, len(panels), WIDTH, headings=headings).savefig(PICTURE)


if __name__ == "__main__":
    main()
