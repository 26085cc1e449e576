"""Images: those that cannot be read, sizes, and the orientation of cameras."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from triptych.doctor.findings import Finding, first_of, shortened
from triptych.doctor.inventory import Inventory, MaskLabels

_UPRIGHT = 1  # of EXIF's tag Orientation
_MAX_SIZES = 4


def unreadable(data: Inventory[Any]) -> Iterator[Finding]:
    """Images and masks that cannot be read, or not completely."""
    errors = {data.images[name]: content.error for name, content in data.contents.items()}
    if isinstance(data.labels, MaskLabels):
        errors |= {data.labels.paths[name]: content.error for name, content in data.labels.contents.items()}
    files = {data.relative(path): error.removeprefix(f"{path}: ") for path, error in errors.items() if error}
    if files:
        message = f"{len(files)} of {len(errors)} files cannot be read; {first_of(files)}"
        yield Finding("error", "unreadable", message, files=files)


def sizes(data: Inventory[Any]) -> Iterator[Finding]:
    """Images of different sizes, which is no fault: each is resized."""
    sized = {name: one.header.size for name, one in data.contents.items() if one.header is not None}
    counts = Counter(sized.values()).most_common()
    if len(counts) < 2:
        return
    most = counts[0][0]
    odd = {data.relative(data.images[name]): size_text(size) for name, size in sized.items() if size != most}
    listed = shortened((f"{count} of {size_text(size)}" for size, count in counts), _MAX_SIZES)
    message = f"{data.word}s differ in size, and are resized: {listed} (width x height)."
    yield Finding("note", "sizes", message, files=odd if len(odd) <= len(sized) // 2 else {})


def depth(data: Inventory[Any]) -> Iterator[Finding]:
    """Images whose values are others than 0 to 255."""
    deep = {
        data.relative(data.images[name]): one.header.text
        for name, one in data.contents.items()
        if one.header is not None and one.header.needs_scale
    }
    if deep:
        kinds = shortened(sorted({*deep.values()}), _MAX_SIZES)
        message = f"{len(deep)} of {len(data.contents)} {data.word}s have more than 8 bits: {kinds}."
        if data.scale is None:
            advice = "set scale to the value that becomes 255, or each image is scaled by its own bits."
            yield Finding("warning", "depth", message, advice, deep)
        else:
            yield Finding("note", "depth", f"{message} They are read with scale {data.scale}.", files=deep)


def orientation(data: Inventory[Any]) -> Iterator[Finding]:
    """Photographs that a camera has stored turned, with the turn as a tag; those of pairs are compared in `masks`."""
    turned = {
        data.relative(data.images[name]): f"EXIF orientation {one.header.orientation}"
        for name, one in data.contents.items()
        if one.header is not None and one.header.orientation != _UPRIGHT
    }
    if turned:
        message = f"{len(turned)} of {len(data.contents)} {data.word}s have an EXIF orientation."
        yield Finding("note", "orientation", message, files=turned)


def size_text(size: tuple[int, int]) -> str:
    """A size (width, height) in words."""
    return f"{size[0]}x{size[1]}"
