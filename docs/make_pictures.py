"""Makes the README's pictures from the made-up data: `python docs/make_pictures.py`."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from triptych.datasets import BIWI, CamVid, Planet
from triptych.datasets.camvid_classes import class_colors
from triptych.show.overlay import overlay
from triptych.show.points import draw_points
from triptych.synthetic import make_portraits, make_streets, make_tiles

FOLDER = Path(__file__).parent / "pictures"


def street(folder: Path) -> Image.Image:
    """A street under the colours of its classes."""
    frames = CamVid(make_streets(folder, num_frames=24, image_size=(240, 320), seed=3))
    frame = frames[3]
    return overlay(frame["image"], frame["mask"], class_colors(frames.class_names), frames.class_names)


def portrait(folder: Path) -> Image.Image:
    """A portrait with the centre of its head."""
    frames = BIWI(make_portraits(folder, num_persons=3, frames_per_person=4, image_size=(240, 320)))
    frame = frames[6]
    return draw_points(frame["image"], [], frame["keypoints"][:, ::-1].tolist())


def tile(folder: Path) -> Image.Image:
    """The made-up tile with the most tags, and its tags."""
    tiles = Planet(make_tiles(folder, num_tiles=60, image_size=(240, 240)))
    record = max((tiles[i] for i in range(len(tiles))), key=lambda record: record["labels"].sum())
    sheet = Image.new("RGB", (380, 240), "white")
    sheet.paste(Image.fromarray(record["image"]), (0, 0))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, index in enumerate(np.flatnonzero(record["labels"])):
        draw.text((250, 8 + 20 * row), tiles.tags[index], "black", font)
    return sheet


def main() -> None:
    """Writes one picture a panel."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, draw in {"camvid": street, "biwi": portrait, "planet": tile}.items():
            draw(Path(folder) / name).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
