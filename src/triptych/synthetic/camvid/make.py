"""Writes made-up street videos in CamVid's layout, as the fast.ai course packs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from triptych.datasets.camvid_classes import OFFICIAL_COLORS, OFFICIAL_NAMES
from triptych.synthetic.camvid.scene import street_frame
from triptych.synthetic.new_folder import check_image_size, check_seed, new_folder

_DRIVE_FRAMES = 12
"""Approximate number of frames in a drive; it is smaller if there would be fewer than `_MIN_DRIVES` drives."""

_MIN_DRIVES = 5
_VIDEO_FPS = 30
_LABELLED_EVERY = 15
"""Number of video frames from one written frame to the next: half a second at `_VIDEO_FPS`."""


@dataclass(frozen=True)
class Frame:
    """One labelled frame: the number of its drive, and its own number in the video of that drive."""

    drive: int
    number: int

    @property
    def name(self) -> str:
        """File name of the image without `.png`."""
        return f"drive{self.drive:02d}_f{self.number:05d}"


def make_streets(
    root: str | Path,
    num_frames: int = 240,
    image_size: tuple[int, int] = (180, 240),
    valid_fraction: float = 0.2,
    seed: int = 0,
) -> Path:
    """Writes street scenes with masks into a new folder, in CamVid's layout.

    The folder holds `codes.txt`, `images/NAME.png`, `labels/NAME_P.png` (8-bit palette, ids as in `codes.txt`) and
    `valid.txt`. The frames belong to short videos, called drives; each drive has its own street. All frames of a drive
    are either for training or for validation. The same arguments give the same pixels.

    Args:
        root: Folder to create; it may exist if it is empty.
        num_frames: Number of frames over all drives, at least 2.
        image_size: (height, width) in pixels, each at least 32.
        valid_fraction: Fraction of the drives for validation, between 0 and 1, both excluded. There is at least one
            drive for training and one for validation.
        seed: Seed of all random choices, at least 0.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument is out of its range.
        FileExistsError: If `root` is a file or a folder that is not empty. Nothing is written then.
    """
    root = Path(root)
    _check(num_frames, image_size, valid_fraction, seed)
    with new_folder(root, "streets") as folder:
        _write(folder, num_frames, image_size, valid_fraction, seed)
    return root


def _write(folder: Path, num_frames: int, image_size: tuple[int, int], valid_fraction: float, seed: int) -> None:
    num_drives = min(num_frames, max(_MIN_DRIVES, round(num_frames / _DRIVE_FRAMES)))
    frames = list(_frames(num_frames, num_drives))
    valid_drives = _valid_drives(num_drives, valid_fraction, seed)
    for sub in ("images", "labels"):
        (folder / sub).mkdir()
    for frame in frames:
        _write_frame(folder, frame, image_size, seed)
    _write_lines(folder / "codes.txt", OFFICIAL_NAMES)
    _write_lines(folder / "valid.txt", tuple(f"{frame.name}.png" for frame in frames if frame.drive in valid_drives))


def _frames(num_frames: int, num_drives: int) -> Iterator[Frame]:
    """Distributes the frames over the drives; their lengths differ by at most one."""
    for drive in range(num_drives):
        length = num_frames // num_drives + (drive < num_frames % num_drives)
        for index in range(1, length + 1):
            yield Frame(drive, index * _LABELLED_EVERY)


def _valid_drives(num_drives: int, valid_fraction: float, seed: int) -> set[int]:
    count = min(max(round(valid_fraction * num_drives), 1), num_drives - 1)
    return set(np.random.default_rng(seed).permutation(num_drives)[:count].tolist())


def _write_frame(folder: Path, frame: Frame, image_size: tuple[int, int], seed: int) -> None:
    pixels, ids = street_frame(seed, frame.drive, frame.number / _VIDEO_FPS, image_size)
    mask = Image.fromarray(ids)
    mask.putpalette([channel for color in OFFICIAL_COLORS.values() for channel in color])
    Image.fromarray(pixels).save(folder / "images" / f"{frame.name}.png", compress_level=1)
    mask.save(folder / "labels" / f"{frame.name}_P.png")


def _write_lines(path: Path, lines: tuple[str, ...]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def _check(num_frames: int, image_size: tuple[int, int], valid_fraction: float, seed: int) -> None:
    if num_frames < 2:
        raise ValueError(
            f"streets: num_frames must be at least 2 (one to train on, one to validate), got {num_frames}."
        )
    check_image_size(image_size, "streets")
    if not 0 < valid_fraction < 1:
        raise ValueError(f"streets: valid_fraction must lie between 0 and 1, both excluded, got {valid_fraction}.")
    check_seed(seed, "streets")
