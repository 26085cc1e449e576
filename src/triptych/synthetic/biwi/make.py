"""Writes made-up head portraits in the layout of the BIWI Kinect head-pose set."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from triptych.synthetic.biwi.pose import Pose, portrait_intrinsics, portrait_pose
from triptych.synthetic.biwi.scene import portrait_frame
from triptych.synthetic.new_folder import check_image_size, check_seed, new_folder

_FIRST_FRAME = 3
"""Number of the first frame of a folder, as in the original."""

_DISTORTION = (0, 0, 0, 0)
_DEPTH_ROTATION = (
    (0.999947, 0.00432361, 0.00929419),
    (-0.00446314, 0.999877, 0.0150443),
    (-0.009228, -0.015085, 0.999844),
)
_DEPTH_TRANSLATION = (-24.0198, 5.8896, -13.2308)
"""Place of the depth camera, which follows the intrinsics in the original; made-up data have no depth images."""


def make_portraits(
    root: str | Path,
    num_persons: int = 14,
    frames_per_person: int = 20,
    image_size: tuple[int, int] = (240, 320),
    seed: int = 0,
) -> Path:
    """Writes portraits with the pose of the head into a new folder, in BIWI's layout.

    The folder holds a subfolder for each person, `01`, `02` and so on, with `rgb.cal`, `frame_00003_rgb.png` and
    `frame_00003_pose.txt`. The camera of each folder is a little different. The same arguments give the same pixels.

    Args:
        root: Folder to create; it may exist if it is empty.
        num_persons: Number of persons, at least 1.
        frames_per_person: Number of frames of each person, at least 1.
        image_size: (height, width) in pixels, each at least 32.
        seed: Seed of all random choices, at least 0.

    Returns:
        The folder.

    Raises:
        ValueError: If an argument is out of its range.
        FileExistsError: If `root` is a file or a folder that is not empty. Nothing is written then.
    """
    root = Path(root)
    _check_count("num_persons", num_persons)
    _check_count("frames_per_person", frames_per_person)
    check_image_size(image_size, "portraits")
    check_seed(seed, "portraits")
    with new_folder(root, "portraits") as folder:
        for number in range(num_persons):
            _write_person(folder / f"{number + 1:02d}", number, frames_per_person, image_size, seed)
    return root


def _write_person(folder: Path, number: int, frames: int, image_size: tuple[int, int], seed: int) -> None:
    folder.mkdir()
    _write(folder / "rgb.cal", _calibration_text(seed, number, image_size))
    for frame in range(frames):
        name = f"frame_{frame + _FIRST_FRAME:05d}"
        image = Image.fromarray(portrait_frame(seed, number, frame, image_size))
        image.save(folder / f"{name}_rgb.png", compress_level=1)
        _write(folder / f"{name}_pose.txt", _pose_text(portrait_pose(seed, number, frame, image_size)))


def _calibration_text(seed: int, number: int, image_size: tuple[int, int]) -> str:
    intrinsics = portrait_intrinsics(seed, number, image_size)
    blocks = (intrinsics, (_DISTORTION,), _DEPTH_ROTATION, (_DEPTH_TRANSLATION,), (image_size[::-1],))
    return "\n".join(_rows(block) for block in blocks)


def _pose_text(pose: Pose) -> str:
    return f"{_rows(pose.rotation)}\n{_rows((pose.centre_mm,))}"


def _rows(rows: Iterable[Iterable[float]]) -> str:
    """Numbers as in the original files: six significant digits, and a space after each number."""
    return "".join("".join(f"{value:.6g} " for value in row) + "\n" for row in rows)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"portraits: {name} must be at least 1, got {count}.")
