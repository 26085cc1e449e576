"""How often the classes of masks occur, and masks without a label."""

from collections import Counter
from collections.abc import Iterator

from triptych.datasets.label_map import is_void
from triptych.doctor.findings import Finding
from triptych.doctor.frequencies import frequencies, names_by_split
from triptych.doctor.masks import Masks, sound_masks, values_outside


def class_frequencies(data: Masks) -> Iterator[Finding]:
    """Pixels of each class, and classes that are missing from a split."""
    if data.labels.table is None:
        return
    names = [name for name in data.labels.table.codes if not is_void(name)]
    pixels = _class_pixels(data)
    total: Counter[str] = Counter()
    for counts in pixels.values():
        total.update(counts)
    by_split = names_by_split({name: {*counts} for name, counts in pixels.items()}, data.splits)
    yield from frequencies("classes", names, total, sum(total.values()), "labelled pixels", by_split)


def unlabelled(data: Masks) -> Iterator[Finding]:
    """Masks that are void altogether; an error if those of a whole split are."""
    pixels = _class_pixels(data)
    outside, masks_of = values_outside(data), sound_masks(data)
    void = {name for name, counts in pixels.items() if not counts and not outside & masks_of[name].counts.keys()}
    masks = {split: [name for name in names if name in pixels] for split, names in data.splits.items()}
    lost = {split: names for split, names in masks.items() if names and void.issuperset(names)}
    if lost:
        files = _files(data, [name for names in lost.values() for name in names])
        message = f"no mask of {' and '.join(lost)} has a labelled pixel."
        yield Finding("error", "void-split", message, "label them, or change the split.", files)
        void.difference_update(*lost.values())
    if void:
        message = f"{len(void)} of {len(pixels)} masks have no labelled pixel."
        yield Finding("warning", "void-masks", message, "label or remove them.", _files(data, sorted(void)))


def _class_pixels(data: Masks) -> dict[str, Counter[str]]:
    """Labelled pixels of each class in each sound mask, by its name; empty if the classes are not known."""
    if data.labels.table is None:
        return {}
    named = {i: code for i, code in enumerate(data.labels.table.codes) if not is_void(code)}
    return {
        name: Counter({named[i]: count for i, count in one.classes.items() if i in named})
        for name, one in sound_masks(data).items()
    }


def _files(data: Masks, names: list[str]) -> dict[str, str]:
    return {data.relative(data.labels.paths[name]): "void altogether" for name in names}
