"""Files that correct what was found, beside the data: a list of validation samples, and a `label_map`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from triptych.doctor.findings import Finding
from triptych.doctor.groups import groups
from triptych.doctor.inventory import DataSet, Inventory
from triptych.doctor.masks import fitting_label_map

LIST, LABEL_MAP = "valid.fixed.txt", "label_map.yaml"
_OF_LIST = frozenset({"same-group", "maybe-same-group", "same-sample", "duplicates-across"})
_OF_LABEL_MAP = frozenset({"ids-outside", "colours-outside"})


class Correction(NamedTuple):
    """A new file: its path, its text, and how it is used."""

    path: Path
    text: str
    usage: str


def corrections(findings: Sequence[Finding], data: DataSet) -> Iterator[Correction]:
    """The files that would correct what was found; none for what needs a person, and none for texts."""
    if not isinstance(data, Inventory):
        return
    kinds = {finding.kind for finding in findings}
    if kinds & _OF_LIST:
        names = sorted(whole_validation(data))
        if names:
            usage = f"set valid_list: {LIST} ({len(names)} {data.word}s; no drive, person or scene is on both sides)"
            yield Correction(data.root / LIST, "".join(f"{name}\n" for name in names), usage)
    if kinds & _OF_LABEL_MAP and (label_map := fitting_label_map(data)) is not None:
        content = {"data": {"init_args": {"label_map": dict(label_map)}}}
        path = data.root / LABEL_MAP
        usage = f"check its classes, then add --config {path} after the other --config"
        yield Correction(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True), usage)


def write_new(correction: Correction) -> bool:
    """Writes a file if there is none of its name; returns whether it did."""
    try:
        with correction.path.open("x", encoding="utf-8") as file:
            file.write(correction.text)
    except FileExistsError:
        return False
    return True


def whole_validation(data: Inventory[Any]) -> set[str]:
    """Names of validation samples, as many as now, that share no group and no pixels with the training samples.

    Groups most of whose samples validate now are taken first, the larger before the smaller, as long as the number is
    not exceeded; at least one is taken. Samples without a group stay where they are.
    """
    tested, valid = {*data.splits.get("test", ())}, {*data.splits.get("val", ())}
    group_of = groups(data)
    members: dict[str, list[str]] = defaultdict(list)
    for name in data.images:
        if name in group_of and name not in tested - valid:
            members[group_of[name]].append(name)
    chosen = {name for name in valid if name not in group_of}
    for names in sorted(members.values(), key=lambda names: _order(names, valid)):
        if not chosen or len(chosen) + len(names) <= len(valid):
            chosen.update(names)
    digests = {one.digest for name, one in data.contents.items() if name not in chosen}
    return {name for name in chosen if name not in data.contents or data.contents[name].digest not in digests}


def _order(names: list[str], valid: set[str]) -> tuple[bool, float, int]:
    """Groups that fit come first, those that validate now before others, then the large; too large ones by size."""
    too_large = len(names) > len(valid)
    return too_large, len(names) if too_large else -len(valid.intersection(names)) / len(names), -len(names)
