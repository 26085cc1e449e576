"""A look at some masks before training starts: ids without a class, palettes that differ, splits without a label."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from triptych.datasets.camvid import CamVid
from triptych.datasets.label_map import VOID_ID, is_void, label_map_line, suggest_label_map
from triptych.datasets.mask_values import count_values, palette_of
from triptych.errors import BadSampleError
from triptych.images import image_header

_MASKS, _PIXELS = 32, 24_000_000
"""Most masks and pixels that are looked at, so that it takes less than a second."""
_TRAINED_OR_SCORED = {"train": "training", "val": "validation", "test": "test"}


class Look(NamedTuple):
    """What one mask of a split holds: the number of pixels of each id or packed colour."""

    split: str
    path: Path
    counts: dict[int, int]


def check_masks(splits: Mapping[str, CamVid], seed: int) -> list[str]:
    """Decodes a sample of the masks of some splits, at most 32.

    Args:
        splits: The frames of each split, such as `val`; at least one split, of one folder.
        seed: Seed of the sample.

    Returns:
        What is doubtful, in sentences.

    Raises:
        BadSampleError: A mask cannot be read or holds a value without a class; the values of two masks mean different
            things; or all pixels of a split are void.
    """
    frames = next(iter(splits.values()))
    looks = [look for split, of_split in splits.items() for look in _sample(split, of_split, len(splits), seed)]
    _refuse_unknown(looks, frames)
    if not frames.table.by_color:
        _refuse_palettes(looks)
    if frames.table.label_map is None:
        _refuse_two_depths(looks)
        _refuse_two_levels(looks, frames)
    for split, of_split in splits.items():
        if split in _TRAINED_OR_SCORED:
            _refuse_unlabelled(split, of_split, [look for look in looks if look.split == split])
    return _doubts([look for look in looks if look.split in _TRAINED_OR_SCORED], frames)


def _sample(split: str, frames: CamVid, parts: int, seed: int) -> Iterator[Look]:
    """Looks at some masks of a split, of `parts` splits."""
    chosen = random.Random(seed).sample(range(len(frames)), min(len(frames), -(-_MASKS // parts)))
    left = _PIXELS // parts
    for index in chosen:
        if left > 0:
            yield (look := _look(split, frames, index))
            left -= sum(look.counts.values())


def _look(split: str, frames: CamVid, index: int) -> Look:
    path = frames.label_path(frames.names[index])
    return Look(split, path, count_values(frames.table.read(path, oriented=False)))


def _sum(looks: Sequence[Look]) -> Counter[int]:
    return sum((Counter(look.counts) for look in looks), Counter())


def _refuse_unknown(looks: Sequence[Look], frames: CamVid) -> None:
    table, counts = frames.table, _sum(looks)
    for look in looks:
        if table.unknown(look.counts):
            holds = f"{_checked(looks)} {table.text(counts)}"
            raise BadSampleError(table.unknown_message(look.path, counts, holds, table.advice(counts)))


def _refuse_palettes(looks: Sequence[Look]) -> None:
    """Refuses masks in which an id has different colours; ids that a mask does not use may have any."""
    seen: dict[int, tuple[str, Path]] = {}
    for look in looks:
        palette = palette_of(look.path)
        for i in sorted(palette.keys() & look.counts.keys()):
            first, path = seen.setdefault(i, (palette[i], look.path))
            if palette[i] != first:
                raise BadSampleError(
                    f"{look.path}: expected the palette of {path}, but id {i} is the colour {palette[i]} here and "
                    f"{first} there, so an id is no class; save all masks with one palette, or map colours with "
                    f'label_map: {{"{first}": CLASS, ...}}.'
                )


def _refuse_two_depths(looks: Sequence[Look]) -> None:
    """Refuses masks of 1 bit beside grey ones with 255: a program that makes files small writes 255 in 1 bit as 1."""
    modes: dict[str, Path] = {}
    for look in looks:
        mode = image_header(look.path).mode
        if mode == "1" or VOID_ID in look.counts:
            modes.setdefault(mode, look.path)
    if {"1", "L"} <= modes.keys():
        raise BadSampleError(
            f"{modes['1']}: expected masks of one bit depth, got 1 bit here and 8 bits with id {VOID_ID} in "
            f"{modes['L']}, where 1 and {VOID_ID} may be the same class; save them with 8 bits, or set a label_map."
        )


def _refuse_two_levels(looks: Sequence[Look], frames: CamVid) -> None:
    """Refuses 0 and 255 for two classes: probably black and white, but 255 would be void and one class nowhere."""
    counts = _sum(looks)
    suggested = suggest_label_map(counts, frames.codes)
    if suggested is not None:
        as_void = label_map_line(dict(enumerate(frames.codes)))
        raise BadSampleError(
            f"camvid: {_checked(looks)} {frames.table.text(counts)} alone, and {VOID_ID} is void, so no "
            f"pixel is {suggested[VOID_ID]}; set label_map: {label_map_line(suggested)}, or {as_void} if {VOID_ID} is "
            "void all the same."
        )


def _refuse_unlabelled(split: str, frames: CamVid, looks: Sequence[Look]) -> None:
    if any(_labelled(look, frames) for look in looks):
        return
    seen = {look.path for look in looks}
    for index, name in enumerate(frames.names):
        if frames.label_path(name) not in seen and _labelled(_look(split, frames, index), frames):
            return
    total = len(frames)
    raise BadSampleError(
        f"camvid: no {_TRAINED_OR_SCORED[split]} pixel is labelled: {total} of {total} masks hold void alone, "
        f"{frames.table.text(_sum(looks))}; the first is {looks[0].path}; label pixels, or split the frames otherwise."
    )


def _labelled(look: Look, frames: CamVid) -> set[str]:
    """Names of the classes in a mask, without void."""
    classes = {frames.class_name(value) for value in look.counts}
    return {name for name in classes if name is not None}


def _doubts(looks: Sequence[Look], frames: CamVid) -> list[str]:
    return _one_class(looks, frames) + _white_or_void(looks, frames)


def _white_or_void(looks: Sequence[Look], frames: CamVid) -> list[str]:
    """Whether some masks of two classes may be black and white, while others hold ids."""
    white = [look.path for look in looks if set(look.counts) == {0, VOID_ID}]
    of_two_ids = frames.table.label_map is None and len(frames.codes) == 2 and any(1 in look.counts for look in looks)
    if not white or not of_two_ids:
        return []
    return [
        f"camvid: {len(white)} of {_checked(looks)} 0 and {VOID_ID} alone, others 1; the first is {white[0]}; "
        f"{VOID_ID} is void: if it is {frames.codes[1]} there, save these masks with 1."
    ]


def _one_class(looks: Sequence[Look], frames: CamVid) -> list[str]:
    present = {name for look in looks for name in _labelled(look, frames)}
    named = [name for name in frames.class_names if not is_void(name)]
    if len(present) != 1:
        return []
    found = frames.table.text(_sum(looks))
    return [
        f"camvid: {_checked(looks)} one class alone, {present.pop()}, of {len(named)}: {found}; "
        "if there should be more, see what the masks hold, and whether codes.txt and label_map name it."
    ]


def _checked(looks: Sequence[Look]) -> str:
    return "1 checked mask holds" if len(looks) == 1 else f"{len(looks)} checked masks hold"
