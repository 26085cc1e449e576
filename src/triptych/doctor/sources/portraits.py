"""Portraits and poses of BIWI's layout."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from triptych.datamodules.biwi import BIWIDataModule
from triptych.datasets.biwi import list_frames, list_persons, project, read_calibration, read_centre
from triptych.datasets.names import SampleNames
from triptych.doctor.attempts import Attempts
from triptych.doctor.findings import Finding, shortened
from triptych.doctor.inventory import Inventory, PointLabels
from triptych.doctor.sources.splits import split_names

_Floats = npt.NDArray[np.float64]
_MISSING = np.full((1, 2), np.nan)
_IMAGE, _POSE, _CALIBRATION = "_rgb", "_pose.txt", "rgb.cal"


def portraits(data: BIWIDataModule) -> Inventory[PointLabels]:
    """See `take_inventory`."""
    attempt, points, names = Attempts(data.root), dict[str, _Floats](), list[str]()
    persons = attempt("folder", data.root, lambda: list_persons(data.root)) or []
    for person in persons:
        frames = list_frames(data.root, person)
        names += frames
        points |= _read_person(data.root, person, frames, attempt)
    images = {name: data.root / name for name in names}
    sample_names = SampleNames(names, data.root, data.root, noun=data.noun)
    splits = split_names(data, sample_names, attempt) if names else {}
    labels, faults = PointLabels(points, []), [*attempt.faults(), *_without_calibration(data.root, persons)]
    return Inventory(data.root, data.noun, faults, splits, images, labels, data.group, data.scale)


def _without_calibration(root: Path, persons: list[str]) -> Iterator[Finding]:
    """Folders with poses that are no persons."""
    folders = {path.parent.name for path in root.glob(f"[!.]*/[!.]*{_POSE}")} - {*persons}
    if folders:
        names = shortened(sorted(folders))
        message = f"{len(folders)} folders have poses but no {_CALIBRATION}, and are passed over: {names}."
        files = dict.fromkeys(sorted(folders), f"no {_CALIBRATION}")
        yield Finding("warning", "no-calibration", message, "copy the file there if they are persons.", files)


def _read_person(root: Path, person: str, frames: list[str], attempt: Attempts) -> dict[str, _Floats]:
    """Points (1, 2) of the frames whose poses can be read; NaN for a frame without one."""
    calibration = root / person / _CALIBRATION
    intrinsics = attempt("calibration", calibration, lambda: read_calibration(calibration))
    poses = {root / person / f"{Path(name).stem.removesuffix(_IMAGE)}{_POSE}": name for name in frames}
    for pose in sorted({*(root / person).glob(f"[!.]*{_POSE}")} - poses.keys()):
        attempt.add("no-image", pose, f"{pose}: the pose has no frame.")
    if intrinsics is None:
        return {}
    found = {name: attempt("pose", pose, partial(_point, pose, intrinsics)) for pose, name in poses.items()}
    return {name: point for name, point in found.items() if point is not None}


def _point(pose: Path, intrinsics: _Floats) -> _Floats:
    centre = read_centre(pose) if pose.is_file() else None
    return _MISSING if centre is None else project(centre, intrinsics, pose)[None]
