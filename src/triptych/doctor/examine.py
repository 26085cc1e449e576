"""The examination of a data set: each check stands alone, and what one cannot finish is a finding too."""

import copy
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from triptych.datamodules.base import TriptychDataModule
from triptych.doctor import classes, duplicates, groups, masks, pairs, pixels, points, tags, texts
from triptych.doctor.contents import image_content, mask_content, read_all
from triptych.doctor.findings import Finding, is_wrong, worst_first
from triptych.doctor.inventory import DataSet, Inventory, MaskLabels, PointLabels, TagLabels, Texts
from triptych.doctor.sources import take_inventory
from triptych.errors import one_line
from triptych.trainer.messages import no_info

_TRAINED_ON = frozenset({"same-group", "duplicates-across"})
"""Kinds of errors for which training would not stop; `group`, if it is set, makes it stop for the first."""
Check = Callable[[Any], Iterator[Finding]]

_CHECKS: tuple[Check, ...] = (
    *(pairs.missing_images, pairs.unused_files, pixels.unreadable, pixels.sizes, pixels.depth, pixels.orientation),
    *(duplicates.exact, duplicates.near, groups.same_sample, groups.same_group),
)
_CHECKS_OF: dict[type, tuple[Check, ...]] = {
    MaskLabels: (
        *(pairs.missing_masks, masks.changed, masks.palettes, masks.depths, masks.sizes, masks.turns),
        *(masks.values, classes.class_frequencies, classes.unlabelled),
    ),
    TagLabels: (tags.spellings, tags.untagged, tags.weather, tags.tag_frequencies),
    PointLabels: (points.outside, points.corner, points.missing),
}
_CHECKS_OF_TEXTS: tuple[Check, ...] = (texts.empty, texts.duplicates, texts.labels, texts.lengths, texts.leftovers)


def examine(datamodule: TriptychDataModule) -> list[Finding]:
    """Examines a whole data set: reads every file once, and looks for all that training would fail on or learn wrong.

    It needs no `setup`, and goes on where `setup` would stop at the first fault. Nothing is changed.

    Args:
        datamodule: The data with all arguments that training would use.

    Returns:
        Errors first, then warnings, then notes; a healthy data set has notes alone. Each fault is one finding, with all
        files that have it.
    """
    return findings_of(read_inventory(datamodule))


def read_inventory(datamodule: TriptychDataModule) -> DataSet:
    """A data set with what each of its files holds."""
    with warnings.catch_warnings(), no_info():
        warnings.simplefilter("ignore")  # the findings say it
        data = take_inventory(datamodule)
        if isinstance(data, Inventory):
            _read_images(data)
        data.refusal = _refusal(datamodule)
    return data


def _read_images(data: Inventory[Any]) -> None:
    data.contents = read_all(data.images, partial(image_content, read=data.read), f"{data.word}s")
    if isinstance(data.labels, MaskLabels):
        read = partial(mask_content, table=data.labels.table)
        data.labels.contents = read_all(data.labels.paths, read, "masks")


def findings_of(data: DataSet) -> list[Finding]:
    """What the checks find in a data set whose files were read."""
    found = list(data.faults)
    for check in _checks_of(data):
        try:
            found += check(data)
        except Exception as error:  # the other checks go on
            found.append(Finding("error", "check", f"{check.__name__} cannot be finished: {one_line(error)}"))
    trained_on = _TRAINED_ON - {"same-group"} if isinstance(data, Inventory) and data.group is not None else _TRAINED_ON
    if data.refusal and not is_wrong(one for one in found if one.kind not in trained_on):
        found.append(Finding("error", "setup", data.refusal))
    return worst_first(found)


def _checks_of(data: DataSet) -> tuple[Check, ...]:
    if isinstance(data, Texts):
        return _CHECKS_OF_TEXTS
    assert isinstance(data, Inventory)
    return (*_CHECKS_OF[type(data.labels)], *_CHECKS)


def _refusal(datamodule: TriptychDataModule) -> str:
    """Why training would not begin; empty if it would."""
    trial = copy.copy(datamodule)
    trial.records = {}
    try:
        trial.setup("fit")
    except Exception as error:  # whatever training would end with
        return one_line(error)
    return ""
