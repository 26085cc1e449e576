"""BIWI head pose: portraits and the centre of the head as a point, read from the set's own layout.

Layout: a folder per person (`01` to `24`) with `rgb.cal`, `frame_00003_rgb.png` (or `.jpg`) and `frame_00003_pose.txt`:
three rows of rotation, a blank line, and the centre `x y z` in the camera's coordinates, in millimetres.

Credit: Fanelli, Dantone, Gall, Fossati, Van Gool, "Random Forests for Real Time 3D Face Analysis", 2013.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from triptych.datasets.download import Archive
from triptych.datasets.folders import expect_folder
from triptych.datasets.images import Scale, check_images, checked_scale, read_rgb
from triptych.datasets.sample import Record
from triptych.errors import BadSampleError, MissingDataError

ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-imagelocal/biwi_head_pose.tgz",
    size=452_316_199,
    md5_head="00f4ccf66e8cba184bc292fdc08fb237",
)
"""The course's copy of the set: 24 persons, 640x480."""

_Floats = npt.NDArray[np.float64]
Outside = Literal["drop", "keep"]
"""What happens to frames whose centre lies outside the image."""
_IMAGE, _POSE = "_rgb", "_pose.txt"


class BIWI:
    """The frames of some persons, each with the centre of the head.

    Args:
        root: Folder with a folder for each person.
        persons: Names of their folders; None takes all.
        outside: What happens to frames whose centre lies outside the image: `"drop"` or `"keep"`. In both cases a
            warning counts them and names the first.
        scale: How frames of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder, a calibration, or one file of a pair of frame and pose does not exist.
        BadSampleError: A pose, a calibration or the header of a frame cannot be read.
        ValueError: A person does not exist, `outside` is unknown, or `scale` is none.
    """

    def __init__(
        self,
        root: str | Path,
        persons: Sequence[str] | None = None,
        *,
        outside: Outside = "drop",
        scale: Scale | None = None,
    ) -> None:
        if outside not in get_args(Outside):
            raise ValueError(f'outside: expected "drop" or "keep", got {outside!r}.')
        self.root, self.scale = Path(root), checked_scale(scale)
        self.persons = list(persons) if persons is not None else list_persons(self.root)
        self.paths: list[Path] = []
        self.points_px: list[_Floats] = []
        for person in self.persons:
            self._read_person(person)
        self._handle_outside(drop=outside == "drop")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Record:
        """Reads one frame.

        Returns:
            `image` uint8 (H, W, 3) RGB, `keypoints` float64 (1, 2), the centre as (x, y) in pixels, and its `path`.

        Raises:
            BadSampleError: The frame cannot be decoded.
        """
        path = self.paths[index]
        return {"image": read_rgb(path, self.scale), "keypoints": self.points_px[index][None], "path": str(path)}

    def _read_person(self, person: str) -> None:
        folder = self.root / person
        if not folder.is_dir():
            raise ValueError(f"person: {self.root} has no {person!r}; there are {', '.join(list_persons(self.root))}.")
        intrinsics = read_calibration(folder / "rgb.cal")
        for frame, pose in _pair_frames(folder):
            self.paths.append(frame)
            self.points_px.append(project(read_centre(pose), intrinsics, pose))

    def _handle_outside(self, drop: bool) -> None:
        sizes = [header.size for header in check_images(self.paths, self.scale)]
        outside = {
            i
            for i, (point, size) in enumerate(zip(self.points_px, sizes, strict=True))
            if not all(0 <= coordinate < side for coordinate, side in zip(point, size, strict=True))
        }
        if not outside:
            return
        first = min(outside)
        warnings.warn(
            f"biwi: {len(outside)} of {len(self)} centres lie outside of their frame and are "
            f"{'dropped' if drop else 'kept'}; the first is {self.paths[first]} (x {self.points_px[first][0]:.1f}, "
            f"y {self.points_px[first][1]:.1f}, frame {sizes[first][0]}x{sizes[first][1]}).",
            stacklevel=3,
        )
        if drop:
            kept = [i for i in range(len(self)) if i not in outside]
            self.paths, self.points_px = [self.paths[i] for i in kept], [self.points_px[i] for i in kept]


def list_persons(root: Path) -> list[str]:
    """Names of the persons' folders, sorted.

    Raises:
        MissingDataError: The folder does not exist, or holds no person.
    """
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected a folder for each person in it (`triptych make-data biwi DIR` draws "
            "made-up portraits, `download: true` fetches the real ones)."
        )
    persons = sorted(folder.name for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not persons:
        raise MissingDataError(f"{root}: expected a folder for each person (01, 02, ...), found none.")
    return persons


def _pair_frames(folder: Path) -> list[tuple[Path, Path]]:
    """Frames of one person with their poses, paired by name and sorted.

    Raises:
        MissingDataError: A frame has no pose, or a pose no frame.
        BadSampleError: A pose has two frames.
    """
    frames: dict[str, Path] = {}
    for path in sorted(folder.glob(f"*{_IMAGE}.*"), reverse=True):
        other = frames.setdefault(path.stem.removesuffix(_IMAGE), path)
        if other != path:
            raise BadSampleError(f"{path}: expected one frame for each pose, but {other.name} exists too; remove one.")
    poses = {path.name.removesuffix(_POSE): path for path in folder.glob(f"*{_POSE}")}
    for stem in sorted(frames.keys() ^ poses.keys()):
        if stem in frames:
            raise MissingDataError(f"{frames[stem]}: the frame has no pose; expected {folder / (stem + _POSE)}.")
        raise MissingDataError(f"{poses[stem]}: the pose has no frame; expected {folder / stem}{_IMAGE}.png or .jpg.")
    return [(frames[stem], poses[stem]) for stem in sorted(frames)]


def read_calibration(path: Path) -> _Floats:
    """Intrinsics (3, 3) in pixels: the first three rows of `rgb.cal`."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected the calibration of this person's camera.")
    intrinsics = _numbers(path, 9, "a 3x3 matrix of intrinsics first").reshape(3, 3)
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise BadSampleError(f"{path}: expected focal lengths above 0, got {intrinsics[0, 0]} and {intrinsics[1, 1]}.")
    return intrinsics


def read_centre(path: Path) -> _Floats:
    """Centre of the head (3,), x y z in millimetres, which follows the three rows of rotation."""
    return _numbers(path, 12, "three rows of rotation and the centre x y z")[9:12]


def project(centre_mm: _Floats, intrinsics: _Floats, source: Path | str = "centre") -> _Floats:
    """Projects a point in front of the camera into the image: `x = X * fx / Z + cx`, `y = Y * fy / Z + cy`.

    Args:
        centre_mm: x y z, (3,), in millimetres.
        intrinsics: (3, 3), in pixels.
        source: Name of the point in the error message.

    Returns:
        (x, y) in pixels, (2,).

    Raises:
        BadSampleError: The depth is not above zero.
    """
    x, y, z = centre_mm
    if z <= 0:
        raise BadSampleError(f"{source}: expected a centre in front of the camera, got depth Z = {z:g}.")
    return np.array([x * intrinsics[0, 0] / z + intrinsics[0, 2], y * intrinsics[1, 1] / z + intrinsics[1, 2]])


def _numbers(path: Path, count: int, expected: str) -> _Floats:
    try:
        numbers = np.array([float(word) for word in path.read_text(encoding="utf-8").split()[:count]])
    except ValueError as error:
        raise BadSampleError(f"{path}: expected numbers ({expected}), got: {error}.") from error
    if len(numbers) < count:
        raise BadSampleError(f"{path}: expected at least {count} numbers ({expected}), got {len(numbers)}.")
    if not np.isfinite(numbers).all():
        raise BadSampleError(f"{path}: expected finite numbers ({expected}), got {numbers[~np.isfinite(numbers)][0]}.")
    return numbers
