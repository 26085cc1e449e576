"""Writes made-up satellite tiles with their tags in the layout of Planet's Amazon competition."""

import csv
from pathlib import Path

from PIL import Image

from triptych.synthetic.new_folder import check_image_size, check_seed, new_folder
from triptych.synthetic.planet.scene import tile

_JPEG_QUALITY = 90


def make_tiles(root: str | Path, num_tiles: int = 400, image_size: tuple[int, int] = (128, 128), seed: int = 0) -> Path:
    """Writes satellite tiles with the tags of what they show into a new folder, in Planet's layout.

    The folder holds `train_v2.csv` (`image_name,tags`, the tags in alphabetical order with one space between) and
    `train-jpg/train_N.jpg`, where N counts from 0. Tags are about as rare or frequent as the real ones, so the rarest
    may be missing in a small set. The same arguments give the same pixels.

    Args:
        root: Folder to create; it may exist if it is empty.
        num_tiles: Number of tiles, at least 2.
        image_size: (height, width) in pixels, each at least 32.
        seed: Seed of all random choices, at least 0.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument is out of its range.
        FileExistsError: If `root` is a file or a folder that is not empty. Nothing is written then.
    """
    root = Path(root)
    if num_tiles < 2:
        raise ValueError(f"tiles: num_tiles must be at least 2 (one to train on, one to validate), got {num_tiles}.")
    check_image_size(image_size, "tiles")
    check_seed(seed, "tiles")
    with new_folder(root, "tiles") as folder:
        _write(folder, num_tiles, image_size, seed)
    return root


def _write(folder: Path, num_tiles: int, image_size: tuple[int, int], seed: int) -> None:
    (folder / "train-jpg").mkdir()
    with (folder / "train_v2.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("image_name", "tags"))
        for index in range(num_tiles):
            pixels, tags = tile(seed, index, image_size)
            Image.fromarray(pixels).save(folder / "train-jpg" / f"train_{index}.jpg", quality=_JPEG_QUALITY)
            table.writerow((f"train_{index}", " ".join(tags)))
