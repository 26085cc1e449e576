"""BIWI head pose: portraits and the centre of the head as a point, read from the set's own layout.

Layout: a folder per person (`01` to `24`) with `rgb.cal`, `frame_00003_rgb.png` (or `.jpg`) and `frame_00003_pose.txt`:
three rows of rotation, a blank line, and the centre `x y z` in the camera's coordinates, in millimetres.

Credit: Fanelli, Dantone, Gall, Fossati, Van Gool, "Random Forests for Real Time 3D Face Analysis", 2013.
"""

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from triptych.datasets.download import Archive
from triptych.datasets.files import list_images
from triptych.datasets.folders import expect_folder, is_passed_over
from triptych.datasets.point_records import PointRecords
from triptych.datasets.text import read_text
from triptych.errors import BadSampleError, MissingDataError
from triptych.images import Scale, check_images, checked_scale

ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-imagelocal/biwi_head_pose.tgz",
    size=452_316_199,
    md5_head="00f4ccf66e8cba184bc292fdc08fb237",
)
"""The course's copy of the set: 24 persons, 640x480."""

_Floats = npt.NDArray[np.float64]
Outside = Literal["drop", "keep"]
"""What happens to frames whose centre lies outside the image."""
_IMAGE, _POSE, _CALIBRATION = "_rgb", "_pose.txt", "rgb.cal"


class _Expected(NamedTuple):
    """How many numbers are expected first in a file, and what they mean."""

    numbers: int
    meaning: str


_MATRIX = _Expected(9, "a 3x3 matrix of intrinsics first")
_ROTATION_AND_CENTRE = _Expected(12, "three rows of rotation and the centre x y z")


class BIWI(PointRecords):
    """The frames of some persons, each with the centre of the head.

    A frame without a centre, because it has no pose or its pose is empty or NaN, is dropped; a warning counts them and
    names the first. Files whose names begin with a dot are no frames and no poses.

    Args:
        root: Folder with a folder for each person.
        persons: Names of their folders; None takes all.
        outside: What happens to frames whose centre lies outside the image: `"drop"` or `"keep"`. In both cases a
            warning counts them and names the first.
        names: Names of the frames to take, such as `01/frame_00003_rgb.png`; None takes all of the persons.
        scale: How frames of more than 8 bits are read; see `read_rgb`.

    Raises:
        MissingDataError: The folder, a calibration or the frame of a pose does not exist.
        BadSampleError: A pose, a calibration or the header of a frame cannot be read.
        ValueError: A person does not exist, `outside` is unknown, or `scale` is none.
    """

    def __init__(
        self,
        root: str | Path,
        persons: Sequence[str] | None = None,
        *,
        outside: Outside = "drop",
        names: Collection[str] | None = None,
        scale: Scale | None = None,
    ) -> None:
        if outside not in get_args(Outside):
            raise ValueError(f'outside: expected "drop" or "keep", got {outside!r}.')
        self.root, self.scale = Path(root), checked_scale(scale)
        self.persons = list(persons) if persons is not None else list_persons(self.root)
        self._wanted = None if names is None else frozenset(names)
        self.paths: list[Path] = []
        self.points_px: list[_Floats] = []
        self._without_centre: list[Path] = []
        for person in self.persons:
            self._read_person(person)
        self._tell_without_centre()
        self._handle_outside(drop=outside == "drop")

    def _read_person(self, person: str) -> None:
        folder = self.root / person
        if not folder.is_dir():
            raise ValueError(f"person: {self.root} has no {person!r}; there are {', '.join(list_persons(self.root))}.")
        intrinsics = read_calibration(folder / _CALIBRATION)
        for frame, pose in _pair_frames(folder):
            if self._wanted is not None and f"{person}/{frame.name}" not in self._wanted:
                continue
            centre = None if pose is None else read_centre(pose)
            if pose is None or centre is None:
                self._without_centre.append(frame)
            else:
                self.paths.append(frame)
                self.points_px.append(project(centre, intrinsics, pose))

    def _tell_without_centre(self) -> None:
        count = len(self._without_centre)
        if count:
            warnings.warn(
                f"biwi: {count} of {len(self) + count} frames have no centre (no pose, or one that is empty or NaN) "
                f"and are dropped; the first is {self._without_centre[0]}.",
                stacklevel=3,
            )

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
    """Names of the persons' folders, sorted: those with a calibration, `rgb.cal`.

    A warning names a folder that has poses but no calibration. Folders whose names begin with a dot are passed over.

    Raises:
        MissingDataError: The folder does not exist, or holds no person.
    """
    expect_folder(root)
    if not root.is_dir():
        raise MissingDataError(
            f"{root}: no such folder; expected a folder for each person in it (`triptych make-data biwi DIR` draws "
            "made-up portraits, `download: true` fetches the real ones)."
        )
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not is_passed_over(path.name))
    persons = [folder.name for folder in folders if (folder / _CALIBRATION).is_file()]
    if not persons:
        found = f"got {folders[0].name} and so on, none of them with one" if folders else "found none"
        raise MissingDataError(
            f"{root}: expected a folder for each person (01, 02, ...) with the camera's {_CALIBRATION} in it, {found}."
        )
    others = [folder for folder in folders if folder.name not in persons and _poses(folder)]
    if others:
        warnings.warn(
            f"biwi: {len(others)} of {len(folders)} folders have poses but no {_CALIBRATION}, and are passed over; the "
            f"first is {others[0]}.",
            stacklevel=3,
        )
    return persons


def list_frames(root: Path, person: str) -> list[str]:
    """Names of a person's frames, such as `01/frame_00003_rgb.png`, sorted."""
    names = list_images(root / person)
    return [f"{person}/{name}" for name in names if "/" not in name and name.rpartition(".")[0].endswith(_IMAGE)]


def _poses(folder: Path) -> dict[str, Path]:
    """The poses of one person by the names of their frames."""
    return {path.name.removesuffix(_POSE): path for path in folder.glob(f"*{_POSE}") if not is_passed_over(path.name)}


def _pair_frames(folder: Path) -> list[tuple[Path, Path | None]]:
    """Frames of one person with their poses, or None, paired by name and sorted.

    Raises:
        MissingDataError: A pose has no frame.
        BadSampleError: A pose has two frames.
    """
    frames: dict[str, Path] = {}
    for path in sorted((path for path in folder.glob(f"*{_IMAGE}.*") if not is_passed_over(path.name)), reverse=True):
        other = frames.setdefault(path.stem.removesuffix(_IMAGE), path)
        if other != path:
            raise BadSampleError(f"{path}: expected one frame for each pose, but {other.name} exists too; remove one.")
    poses = _poses(folder)
    for stem in sorted(poses.keys() - frames.keys()):
        raise MissingDataError(f"{poses[stem]}: the pose has no frame; expected {folder / stem}{_IMAGE}.png or .jpg.")
    return [(frames[stem], poses.get(stem)) for stem in sorted(frames)]


def read_calibration(path: Path) -> _Floats:
    """Intrinsics (3, 3) in pixels: the first three rows of `rgb.cal`."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; expected the calibration of this person's camera.")
    intrinsics = _checked(path, _numbers(path, _MATRIX), _MATRIX).reshape(3, 3)
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise BadSampleError(f"{path}: expected focal lengths above 0, got {intrinsics[0, 0]} and {intrinsics[1, 1]}.")
    return intrinsics


def read_centre(path: Path) -> _Floats | None:
    """Centre of the head (3,), x y z in millimetres, which follows the three rows of rotation.

    None if the file is empty, or a number of the centre is NaN.
    """
    numbers = _numbers(path, _ROTATION_AND_CENTRE)
    if not len(numbers) or np.isnan(numbers[9:]).any():
        return None
    return _checked(path, numbers, _ROTATION_AND_CENTRE)[9:]


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


def _numbers(path: Path, expected: _Expected) -> _Floats:
    """The first numbers of a file, as many as there are."""
    words = read_text(path).split()[: expected.numbers]
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise BadSampleError(f"{path}: expected numbers ({expected.meaning}), got: {error}.") from error


def _checked(path: Path, numbers: _Floats, expected: _Expected) -> _Floats:
    """The numbers of a file, which must be enough and finite."""
    count, meaning = expected
    if len(numbers) < count:
        raise BadSampleError(f"{path}: expected at least {count} numbers ({meaning}), got {len(numbers)}.")
    if not np.isfinite(numbers).all():
        raise BadSampleError(f"{path}: expected finite numbers ({meaning}), got {numbers[~np.isfinite(numbers)][0]}.")
    return numbers
