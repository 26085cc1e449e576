"""Files that lack their other half."""

from collections.abc import Iterator
from typing import Any

from triptych.datasets.label_name import fitting_label_name
from triptych.doctor.findings import Finding, shortened
from triptych.doctor.inventory import Inventory, MaskLabels, PointLabels, TagLabels


def missing_images(data: Inventory[Any]) -> Iterator[Finding]:
    """Samples that a list or table names and that have no image."""
    missing = [name for name, path in data.images.items() if not path.is_file()]
    if missing:
        message = f"{len(missing)} of {len(data.images)} {data.word}s do not exist."
        found = data.labels.advice if isinstance(data.labels, TagLabels) else ""
        advice = found or "copy them, or remove them from the table."
        yield Finding("error", "no-image", message, advice, data.files(missing, "no such file"))


def missing_masks(data: Inventory[MaskLabels]) -> Iterator[Finding]:
    """Frames without a mask."""
    missing = _without_mask(data)
    if not missing:
        return
    in_one_folder = data.images[missing[0]] == data.labels.folder / missing[0]
    fitting = fitting_label_name([*data.images], missing, data.labels.folder, in_one_folder)
    advice = f'set label_name: "{fitting}".' if fitting else "add their masks, or set label_dir and label_name."
    message = f"{len(missing)} of {len(data.images)} {data.word}s have no mask."
    files = {data.relative(data.images[name]): f"expected {data.relative(data.labels.paths[name])}" for name in missing}
    yield Finding("error", "no-mask", message, advice, files)


def unused_files(data: Inventory[Any]) -> Iterator[Finding]:
    """Masks, tiles or portraits that nothing names."""
    labels = data.labels
    what, why = {
        MaskLabels: ("masks belong to no frame", "no frame has this mask"),
        TagLabels: ("tiles are not in the table", "no row of the table names it"),
        PointLabels: ("images have no points", "no points for it"),
    }[type(labels)]
    labelled = labels.paths if isinstance(labels, MaskLabels) else data.images
    if not any(path.is_file() for path in labelled.values()):
        return  # these are the masks or tiles, by another name
    if labels.unused:
        files = {data.relative(path): why for path in labels.unused}
        message = f"{len(files)} {what}: {shortened(files, 3)}."
        yield Finding("warning", "unused", message, "they are left out; add what is missing, or remove them.", files)


def _without_mask(data: Inventory[MaskLabels]) -> list[str]:
    return [name for name, path in data.labels.paths.items() if not path.is_file()]
