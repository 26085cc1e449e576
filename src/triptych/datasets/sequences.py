"""Drives, persons and scenes as the names of samples tell them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from pathlib import PurePosixPath

_SPLIT_FOLDERS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "images"})
_FRAME = re.compile(
    r"(?P<group>.*?)(?:(?:^|[-_. ]+)(?:(?P<frame>f|fr|frame)|img|image))?[-_. ]*(?P<number>\d+)", re.IGNORECASE
)
"""A group's name, and the number of a frame: `0006R0_f00930`, `drive_3-0017`, `street 12 frame 5`."""


def is_sequence(names: Iterable[str]) -> bool:
    """Whether the names of a group are those of the frames of a video.

    Their numbers are called frames, or have leading zeros, one length, and mostly one step from each to the next.

    Args:
        names: Names of the samples of one group, such as `0006R0_f00930.png`.
    """
    stems = [PurePosixPath(name).stem for name in names]
    ending = len(_common_ending(stems))
    found = [_FRAME.fullmatch(stem[: len(stem) - ending]) for stem in stems]
    numbers = [match["number"] for match in found if match]
    if len(numbers) < len(stems):
        return False
    if all(match and match["frame"] for match in found):
        return True
    order = sorted({*map(int, numbers)})
    steps = Counter(later - earlier for earlier, later in pairwise(order))
    is_even = bool(steps) and 2 * max(steps.values()) >= steps.total()
    return is_even and len({*map(len, numbers)}) == 1 and any(number.startswith("0") for number in numbers)


def sequences(names: Iterable[str]) -> dict[str, str]:
    """The group of each name that is certain: see `guessed_groups`, and `is_sequence`."""
    group_of = guessed_groups(names)
    members: dict[str, list[str]] = {}
    for name, group in group_of.items():
        members.setdefault(group, []).append(name)
    certain = {group for group, of_group in members.items() if is_sequence(of_group)}
    return {name: group for name, group in group_of.items() if group in certain}


def guessed_groups(names: Iterable[str]) -> dict[str, str]:
    """The group of each sample: its folder, else its name without the number of the frame.

    Folders that are named for a split say nothing. Without several groups the answer is empty.

    Args:
        names: Names of the samples: paths below the folder of images, with `/`.
    """
    paths = {name: PurePosixPath(name) for name in names}
    ending = len(_common_ending([path.stem for path in paths.values()]))
    found = {name: _guessed(path, ending) for name, path in paths.items()}
    found = {name: group for name, group in found.items() if group}
    return found if len({*found.values()}) > 1 else {}


def _guessed(path: PurePosixPath, ending: int) -> str:
    folders = [part for part in path.parent.parts if part.lower() not in _SPLIT_FOLDERS]
    if folders:
        return "/".join(folders)
    found = _FRAME.fullmatch(path.stem[: len(path.stem) - ending])
    return found["group"] if found else ""


def _common_ending(stems: Sequence[str]) -> str:
    """What all names end in after the number, such as `_rgb`."""
    ends = takewhile(lambda ends: len({*ends}) == 1, zip(*(stem[::-1] for stem in stems), strict=False))
    return "".join(end for end, *_ in ends)[::-1].lstrip("0123456789")
