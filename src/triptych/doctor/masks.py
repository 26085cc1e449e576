"""Masks: what changes or mixes up ids, values without a class, and sizes that do not fit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from triptych.datasets.label_map import VOID_ID, LabelMap, label_map_line, map_template, suggest_label_map
from triptych.datasets.label_table import MOST_UNKNOWN
from triptych.datasets.mask_values import Value, percent
from triptych.doctor.contents import MaskContent
from triptych.doctor.findings import Finding, first_of, shortened
from triptych.doctor.inventory import Inventory, MaskLabels
from triptych.doctor.pixels import size_text
from triptych.images import ImageHeader

Masks = Inventory[MaskLabels]


def changed(data: Masks) -> Iterator[Finding]:
    """Masks in a format that changes ids, and files of several masks."""
    paths, masks = data.labels.paths, data.labels.contents
    files = {
        _path(data, name): one.changed.removeprefix(f"{paths[name]}: ") for name, one in masks.items() if one.changed
    }
    if files:
        message = f"{len(files)} of {len(masks)} masks are not what was drawn; {first_of(files)}"
        yield Finding("error", "changed-masks", message, files=files)


def palettes(data: Masks) -> Iterator[Finding]:
    """Masks whose palettes differ, so that an id is one class in some and another in others."""
    masks = sound_masks(data)
    if data.labels.table is not None and data.labels.table.by_color:
        return
    colors: dict[int, Counter[str]] = defaultdict(Counter)
    for one in masks.values():
        for value, color in one.palette.items():
            colors[value][color] += 1
    usual = {value: counts.most_common(1)[0][0] for value, counts in colors.items()}
    files = {}
    for name, one in masks.items():
        odd = [(value, color) for value, color in sorted(one.palette.items()) if color != usual[value]]
        if odd:
            files[_path(data, name)] = "; ".join(f"id {value} is {color}, not {usual[value]}" for value, color in odd)
    if files:
        message = f"{len(files)} of {len(masks)} masks have other palettes, so an id is no class; {first_of(files)}."
        advice = "save the masks again with one palette, or set label_map to the classes of the colours."
        yield Finding("error", "palettes", message, advice, files)


def depths(data: Masks) -> Iterator[Finding]:
    """Masks of 1 bit beside grey ones with 255: a program that makes files small writes 255 in 1 bit as 1."""
    table, masks = data.labels.table, sound_masks(data)
    if table is None or table.label_map is not None:
        return
    modes = {name: one.header.mode for name, one in masks.items() if one.header is not None}
    if any(mode == "L" and VOID_ID in masks[name].counts for name, mode in modes.items()):
        files = {_path(data, name): "1 bit" for name, mode in modes.items() if mode == "1"}
        if files:
            message = (
                f"{len(files)} of {len(masks)} masks have 1 bit, where 1 may be the class that is {VOID_ID} in others."
            )
            yield Finding("error", "mask-depths", message, "save them with 8 bits, or set a label_map.", files)


def sizes(data: Masks) -> Iterator[Finding]:
    """Masks whose size is that of their frame neither as shown nor as stored."""
    pairs = {name: (frame, mask) for name, frame, mask in _pairs(data) if not _fits(frame, mask)}
    files = {
        _path(data, name): f"{size_text(mask.size)}, its frame {size_text(frame.size)}"
        for name, (frame, mask) in pairs.items()
    }
    if files:
        number = len(data.labels.contents)
        message = f"{len(files)} of {number} masks differ in size (width x height) from their frame; {first_of(files)}."
        yield Finding("error", "mask-size", message, "save the masks again in the size of their frames.", files)


def turns(data: Masks) -> Iterator[Finding]:
    """Masks of frames with an EXIF orientation, which were drawn on the frame as stored, or may have been."""
    turned = {
        _path(data, name): _fits(frame, mask)
        for name, frame, mask in _pairs(data)
        if frame.orientation != mask.orientation
    }
    either = {path: "fits its frame in both ways" for path, ways in turned.items() if len(ways) > 1}
    if either:
        message = f"{len(either)} masks fit their frame as shown and as stored, and its EXIF orientation turns it."
        advice = "look at them; if they were drawn on the frames as stored, remove the orientation from these."
        yield Finding("warning", "mask-turn", message, advice, either)
    stored = {path: "fits its frame as stored" for path, ways in turned.items() if ways == ["stored"]}
    if stored:
        message = f"{len(stored)} masks fit their frame only as stored, without its EXIF orientation; such pairs are "
        message += "trained on as stored, while prediction turns images."
        yield Finding("warning", "mask-as-stored", message, "save frames and masks as shown.", stored)


def values(data: Masks) -> Iterator[Finding]:
    """Ids beyond the classes, and colours that no `label_map` names."""
    table, masks = data.labels.table, sound_masks(data)
    if table is None:
        return
    total, outside = total_counts(masks.values()), values_outside(data)
    files = {
        _path(data, name): values_text(one.counts, outside)
        for name, one in masks.items()
        if outside & one.counts.keys()
    }
    if files:
        what = "colours" if any(isinstance(value, str) for value in outside) else "ids"
        message = (
            f"{len(files)} of {len(masks)} masks hold {what} that are no class: {values_text(total, outside)} of all "
            f"pixels; there are {len(table.codes)} classes."
        )
        yield Finding("error", f"{what}-outside", message, _advice(data, total, outside), files)


def values_outside(data: Masks) -> Set[Value]:
    """Ids and colours without a class; 255, too, if masks of 0 and 255 mean two classes."""
    table, masks = data.labels.table, sound_masks(data)
    outside = frozenset[Value]().union(*(one.outside for one in masks.values()))
    if outside or table is None or table.label_map is not None:
        return outside
    return {VOID_ID} if suggest_label_map(total_counts(masks.values()), table.codes) else outside


def fitting_label_map(data: Masks) -> LabelMap | None:
    """The `label_map` that fits all masks; None if none is clear, or if some hold ids and others colours."""
    table, total = data.labels.table, total_counts(sound_masks(data).values())
    if table is None or table.label_map is not None or len({type(value) for value in total}) > 1:
        return None
    return suggest_label_map(total, table.codes)


def _advice(data: Masks, total: Mapping[Value, int], outside: Set[Value]) -> str:
    table, fitting = data.labels.table, fitting_label_map(data)
    assert table is not None
    if fitting is not None:
        return f"correct the masks, or set label_map: {label_map_line(fitting)}, if that is meant (--fix writes it)."
    if table.label_map is not None:
        more = label_map_line(dict.fromkeys(sorted(outside, key=str), "CLASS"))[1:-1]
        return f"correct the masks, or add {more} to label_map, with the name of a class or Void."
    if len(outside) > MOST_UNKNOWN or len({type(value) for value in total}) > 1:
        return "save the ids of the classes, without smoothed edges."
    return f"correct the masks, add the class to codes.txt, or set {map_template(total, table.codes)}."


def sound_masks(data: Masks) -> dict[str, MaskContent]:
    """The masks that can be read and hold what was drawn, by name."""
    return {name: one for name, one in data.labels.contents.items() if not (one.error or one.changed)}


def total_counts(masks: Iterable[MaskContent]) -> Counter[Value]:
    """Number of pixels of each id or colour."""
    total: Counter[Value] = Counter()
    for one in masks:
        total.update(one.counts)
    return total


def values_text(counts: Mapping[Value, int], shown: Iterable[Value]) -> str:
    """Some values with their fractions of all pixels, the most frequent first: `12 (3.1 %), 40 (0.2 %)`."""
    present = sorted({*shown} & counts.keys(), key=lambda value: -counts[value])
    total = sum(counts.values())
    return shortened(f"{value} ({percent(counts[value] / total)})" for value in present)


def _pairs(data: Masks) -> Iterator[tuple[str, ImageHeader, ImageHeader]]:
    """Name, and headers of frame and mask, of each pair that can be read."""
    for name, mask in data.labels.contents.items():
        frame = data.contents[name].header if name in data.contents else None
        if frame is not None and mask.header is not None:
            yield name, frame, mask.header


def _fits(frame: ImageHeader, mask: ImageHeader) -> list[str]:
    """The ways in which a mask has the size of its frame."""
    ways = {"shown": frame.size == mask.size, "stored": frame.stored_size == mask.stored_size}
    return [way for way, fits in ways.items() if fits]


def _path(data: Masks, name: str) -> str:
    return data.relative(data.labels.paths[name])
