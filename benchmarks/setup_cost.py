"""How much CPU time does `setup("fit")` take on large data sets, and how much when it is called again?

python benchmarks/setup_cost.py     on small files in a temporary folder: 15,000 frames with masks, 15,000 portraits of
                                    24 persons, 40,000 tiles
"""

import io
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from triptych import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.datamodules.base import TriptychDataModule

FRAMES, PERSONS, TILES = 15_000, 24, 40_000
SECONDS = 5.0
"""What a first setup may take."""
CALIBRATION = "50 0 4\n0 50 4\n0 0 1\n"
POSE = "1 0 0\n0 1 0\n0 0 1\n\n0 0 900\n"


def image(mode: str, suffix: str) -> bytes:
    """An encoded image of 8x8 black pixels."""
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, suffix)
    return file.getvalue()


def make_frames(root: Path) -> TriptychDataModule:
    for folder, end, content in (("images", "", image("RGB", "png")), ("labels", "_P", image("L", "png"))):
        (root / folder).mkdir(parents=True)
        for number in range(FRAMES):
            (root / folder / f"drive{number % 60:02d}_{number:05d}{end}.png").write_bytes(content)
    (root / "codes.txt").write_text("road\nsky\nVoid\n")
    names = [f"../images/drive{number % 60:02d}_{number:05d}.png\n" for number in range(0, FRAMES, 5)]
    (root / "valid.txt").write_text("".join(names))
    return CamVidDataModule(str(root))


def make_portraits(root: Path) -> TriptychDataModule:
    content = image("RGB", "png")
    for person in range(1, PERSONS + 1):
        folder = root / f"{person:02d}"
        folder.mkdir(parents=True)
        (folder / "rgb.cal").write_text(CALIBRATION)
        for number in range(FRAMES // PERSONS):
            (folder / f"frame_{number:05d}_rgb.png").write_bytes(content)
            (folder / f"frame_{number:05d}_pose.txt").write_text(POSE)
    return BIWIDataModule(str(root))


def make_tiles(root: Path) -> TriptychDataModule:
    (root / "train-jpg").mkdir(parents=True)
    content, tags = image("RGB", "jpeg"), np.random.default_rng(0).choice(["clear", "haze", "cloudy"], TILES)
    for number in range(TILES):
        (root / "train-jpg" / f"train_{number}.jpg").write_bytes(content)
    rows = [f"train_{number},{tag} primary\n" for number, tag in enumerate(tags)]
    (root / "train_v2.csv").write_text("image_name,tags\n" + "".join(rows))
    return PlanetDataModule(str(root))


def cpu_seconds(data: TriptychDataModule) -> float:
    start = time.process_time()
    data.setup("fit")
    return time.process_time() - start


def main() -> None:
    for name, make in (("frames", make_frames), ("portraits", make_portraits), ("tiles", make_tiles)):
        folder = Path(tempfile.mkdtemp())
        try:
            data = make(folder / name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                first, again = cpu_seconds(data), cpu_seconds(data)
            count = sum(len(records) for records in data.records.values())
            verdict = "" if first < SECONDS else f" (more than {SECONDS:g} s)"
            print(f"{count} {name}: {first:.2f} s of CPU{verdict}; when it is called again, {1000 * again:.1f} ms")
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
