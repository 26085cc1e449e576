"""`label_map`: the class of each id or colour in the mask files, where an id is not the line number in `codes.txt`.

`label_table.py` reads it; here one is suggested for what the files hold, and written as YAML.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import yaml

from triptych.datasets.camvid_classes import OFFICIAL_COLORS, SEGNET_MERGE, VOID
from triptych.datasets.mask_values import Value

LabelMap: TypeAlias = dict[int | str, str | int | None]
"""Class names by ids (0 to 65535) or colours (`"128,64,128"`, `"#804080"`); void is `Void`, null or 255."""

VOID_ID = 255
"""The id that is void in every mask, as in PASCAL VOC and Cityscapes."""
_NO_DATA = 65535
"""What programs for maps write in 16 bits where there are no data; void only if a map says so."""
_TO_FILL_IN, _LISTED = "CLASS", 40
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(?:[ .-]\w+)*")


def suggest_label_map(found: Iterable[Value], class_names: Sequence[str]) -> LabelMap | None:
    """A `label_map` that fits the ids or colours of masks, if it is clear which is which.

    It is for ids that are the classes in their order, with gaps, as grey levels (0 and 255) or from 1 on with 0
    unlabelled; for CamVid's official colours; for the palette of PASCAL VOC; and for grey colours.

    Args:
        found: The ids, or the colours as `#rrggbb`.
        class_names: The names of `codes.txt`.

    Returns:
        None if the ids need no map, or if none is clear.
    """
    values = sorted(set(found), key=str)
    ids = sorted(value for value in values if isinstance(value, int))
    if ids:
        return _of_ids(ids, class_names)
    colors = [str(value) for value in values]
    return _of_camvid(colors, class_names) or _of_greys(colors, class_names) or _of_voc(colors, class_names)


def map_advice(found: Iterable[Value], class_names: Sequence[str]) -> str:
    """The argument that maps what was found in many masks, such as `label_map: {0: background, 255: lesion}`.

    Where none is clear, it is that of `map_template`.
    """
    values = list(found)
    suggested = suggest_label_map(values, class_names)
    if suggested is None:
        return map_template(values, class_names)
    return f"label_map: {label_map_line(suggested)}"


def map_template(found: Iterable[Value], class_names: Sequence[str]) -> str:
    """The argument that maps what was found: the ids of the classes as they are, and `CLASS` for each other value."""
    values = list(found)
    listed: LabelMap = dict(enumerate(class_names)) if any(isinstance(value, int) for value in values) else {}
    unknown = [value for value in values if value not in listed and value != VOID_ID]
    listed |= dict.fromkeys(unknown[:_LISTED], _TO_FILL_IN)
    return f"label_map: {label_map_line(listed)} with the name of a class, or Void, for each {_TO_FILL_IN}"


def label_map_line(label_map: Mapping[Any, str | int | None]) -> str:
    """A `label_map` as YAML in one line, for a configuration or, in single quotes, for the command line."""
    return "{" + ", ".join(f"{_yaml(key)}: {_yaml(name)}" for key, name in label_map.items()) + "}"


def is_void(name: Any) -> bool:
    """Whether the name of a class means void."""
    return isinstance(name, str) and name.lower() == VOID.lower()


def voc_color(index: int) -> str:
    """Colour of an id in the palette of PASCAL VOC, which labelme and others use: its bits, dealt out to the bands."""
    bands = [0, 0, 0]
    for bit in range(8):
        for band in range(3):
            bands[band] |= (index >> (3 * bit + band) & 1) << (7 - bit)
    return f"#{bytes(bands).hex()}"


def _of_ids(ids: list[int], names: Sequence[str]) -> LabelMap | None:
    names = list(names)
    labelled = [name for name in names if not is_void(name)]
    two = names if len(names) == 2 else labelled
    is_black_and_white = ids == [0, VOID_ID] and len(two) == 2 and not is_void(two[1])
    if not labelled or (all(i < len(names) or i == VOID_ID for i in ids) and not is_black_and_white):
        return None
    for classes in (names, labelled):
        if len(ids) == len(classes) and _are_grey_levels(ids):
            return dict(zip(ids, classes, strict=True))
    no_data: LabelMap = {_NO_DATA: VOID} if _NO_DATA in ids else {}
    ids = [i for i in ids if i not in (VOID_ID, _NO_DATA)]
    for classes in (names, labelled):
        if len(ids) == len(classes):
            return {**dict(zip(ids, classes, strict=True)), **no_data}
    if no_data and all(i < len(names) for i in ids):
        return {**dict(enumerate(names)), **no_data}
    if ids == list(range(len(names) + 1)) and names == labelled:
        return {0: VOID, **dict(enumerate(names, start=1)), **no_data}
    return None


def _are_grey_levels(ids: list[int]) -> bool:
    """Whether ids are spread evenly from 0 to the highest of 8 or 16 bits, up to rounding."""
    top, steps = ids[-1], max(1, len(ids) - 1)
    return top in (VOID_ID, _NO_DATA) and all(abs(i - top * at / steps) < top / 255 for at, i in enumerate(ids))


def _of_camvid(colors: list[str], names: Sequence[str]) -> LabelMap | None:
    """CamVid's official colours, for codes with the official names or SegNet's."""
    own = {name.lower(): name for name in names} | {VOID.lower(): VOID}
    merged = {member: name for name, members in SEGNET_MERGE.items() for member in members}
    suggested: LabelMap = {}
    for official, color in OFFICIAL_COLORS.items():
        name = own.get(official.lower()) or own.get(merged.get(official, "").lower())
        if name is not None:
            suggested[f"#{bytes(color).hex()}"] = name
    is_camvid = {name for name in names if not is_void(name)} <= set(suggested.values())
    return suggested if is_camvid and set(colors) <= set(suggested) else None


def _of_greys(colors: list[str], names: Sequence[str]) -> LabelMap | None:
    """Ids that were saved as colours, each band with the id; black and white for two classes."""
    ids = sorted(int(color[1:3], 16) for color in colors if color == f"#{color[1:3] * 3}")
    if len(ids) < len(colors):
        return None
    suggested = _of_ids(ids, names)
    if suggested is None and all(i < len(names) or i == VOID_ID for i in ids):
        suggested = {**dict(enumerate(names)), VOID_ID: VOID}
    if suggested is None:
        return None
    return {f"#{bytes([int(i)] * 3).hex()}": name for i, name in suggested.items()}


def _of_voc(colors: list[str], names: Sequence[str]) -> LabelMap | None:
    suggested: LabelMap = {voc_color(i): name for i, name in enumerate(names)}
    suggested[voc_color(VOID_ID)] = VOID
    return suggested if set(colors) <= set(suggested) else None


def _yaml(value: Value | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, int) or (_PLAIN_NAME.fullmatch(value) and yaml.safe_load(value) == value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
