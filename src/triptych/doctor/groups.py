"""Drives, persons and scenes: which one a sample belongs to, and those on both sides of a split."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

from triptych.datasets.sample import Split
from triptych.doctor.findings import Finding, shortened
from triptych.doctor.inventory import Inventory, TagLabels

_SPLIT_FOLDERS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "images"})
_FRAME = re.compile(r"(.*?)(?:[-_. ]+(?:f|fr|frame|img|image))?[-_. ]*\d+", re.IGNORECASE)
"""A group's name, and the number of a frame: `0006R0_f00930`, `drive_3-0017`, `street 12 frame 5`."""


def same_sample(data: Inventory[Any]) -> Iterator[Finding]:
    """Samples that are trained on and held out."""
    train = {*data.splits.get("train", ())}
    both = {name: split for split, names in data.splits.items() if split != "train" for name in names if name in train}
    if both:
        message = f"{len(both)} {data.word}s to validate or test on are also trained on."
        files = {data.relative(data.images[name]): f"in train and {split}" for name, split in both.items()}
        yield Finding("error", "same-sample", message, "name each in one split.", files)


def same_group(data: Inventory[Any]) -> Iterator[Finding]:
    """Held-out samples whose drive, person or scene is trained on too.

    If the groups are guessed from the names of tiles it is a warning: there the beginning of a name may be a class.
    """
    group_of = groups(data)
    sides: dict[str, Counter[Split]] = defaultdict(Counter)
    for name, group in group_of.items():
        if name in data.split_of:
            sides[group][data.split_of[name]] += 1
    split_up = {group: counts for group, counts in sides.items() if counts["train"] and len(counts) > 1}
    held_out = [name for name, split in data.split_of.items() if split != "train"]
    files = {
        data.relative(data.images[name]): f"{group_of[name]} is trained on too"
        for name in held_out
        if group_of.get(name) in split_up
    }
    if not files:
        return
    listed = shortened(f"{group} ({counts['train']} in train)" for group, counts in split_up.items())
    yield Finding(
        "warning" if data.group is None and isinstance(data.labels, TagLabels) else "error",
        "same-group",
        f"{len(files)} of {len(held_out)} {data.word}s to validate or test on are of a drive, person or scene that is "
        f"trained on too, so their scores flatter: {listed}.",
        "hold out whole ones, by valid_groups or a list (--fix writes one); if these are none, set group.",
        files,
    )


def groups(data: Inventory[Any]) -> dict[str, str]:
    """The group of each sample: by the expression `group`, if there is one, else guessed from the names."""
    if data.group is None:
        return guessed_groups(data.images)
    found = {name: re.search(data.group, name) for name in data.images}
    return {name: match[1] if match.re.groups else match[0] for name, match in found.items() if match}


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
    return found[1] if found else ""


def _common_ending(stems: Sequence[str]) -> str:
    """What all names end in after the number, such as `_rgb`."""
    ends = takewhile(lambda ends: len({*ends}) == 1, zip(*(stem[::-1] for stem in stems), strict=False))
    return "".join(end for end, *_ in ends)[::-1].lstrip("0123456789")
