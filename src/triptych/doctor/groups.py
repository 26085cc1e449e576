"""Drives, persons and scenes: which one a sample belongs to, and those on both sides of a split."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from triptych.datasets.sample import Split
from triptych.datasets.sequences import guessed_groups, is_sequence
from triptych.doctor.findings import Finding, shortened
from triptych.doctor.inventory import Inventory, TagLabels


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

    A group that is guessed from names may be a class, as in `Abyssinian_1.jpg`. So it is an error only if its names are
    those of the frames of a video (see `is_sequence`), and those of tiles never are.
    """
    group_of = groups(data)
    sides: dict[str, Counter[Split]] = defaultdict(Counter)
    members: dict[str, list[str]] = defaultdict(list)
    for name, group in group_of.items():
        members[group].append(name)
        if name in data.split_of:
            sides[group][data.split_of[name]] += 1
    split_up = {group: counts for group, counts in sides.items() if counts["train"] and len(counts) > 1}
    certain = {group for group in split_up if _is_certain(data, members[group])}
    listed = {group: f"{group} ({split_up[group]['train']} in train)" for group in split_up}
    advice = "hold out whole ones, by valid_groups or a list (--fix writes one)"
    if files := _held_out_of(data, group_of, certain):
        what = "a drive, person or scene that is trained on too, so their scores flatter"
        named = shortened(listed[group] for group in split_up if group in certain)
        message = f"{_of_held_out(data, files)} are of {what}: {named}."
        yield Finding("error", "same-group", message, f"{advice}; if these are none, set group.", files)
    if files := _held_out_of(data, group_of, split_up.keys() - certain):
        what = "named like others that are trained on, which may be of the same drive, person or scene"
        named = shortened(listed[group] for group in split_up if group not in certain)
        message = f"{_of_held_out(data, files)} are {what}: {named}."
        yield Finding(
            "warning", "maybe-same-group", message, f"if they are, {advice}; a class may share a name.", files
        )


def _is_certain(data: Inventory[Any], names: Sequence[str]) -> bool:
    """Whether a group is a drive, person or scene, and no class."""
    return data.group is not None or (not isinstance(data.labels, TagLabels) and is_sequence(names))


def _held_out_of(data: Inventory[Any], group_of: Mapping[str, str], chosen: Set[str]) -> dict[str, str]:
    """The held-out images of some groups."""
    return {
        data.relative(data.images[name]): f"{group_of[name]} is trained on too"
        for name, split in data.split_of.items()
        if split != "train" and group_of.get(name) in chosen
    }


def _of_held_out(data: Inventory[Any], files: Mapping[str, str]) -> str:
    held_out = sum(split != "train" for split in data.split_of.values())
    return f"{len(files)} of {held_out} {data.word}s to validate or test on"


def groups(data: Inventory[Any]) -> dict[str, str]:
    """The group of each sample: by the expression `group`, if there is one, else guessed from the names."""
    if data.group is None:
        return guessed_groups(data.images)
    found = {name: re.search(data.group, name) for name in data.images}
    return {name: match[1] if match.re.groups else match[0] for name, match in found.items() if match}
