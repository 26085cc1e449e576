"""What each file holds: one decode gives all that the checks compare, and the pixels are let go."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from triptych._threads import processors
from triptych.datasets.label_table import LabelTable
from triptych.datasets.mask_values import Value, count_values, palette_of, read_colors, value_text
from triptych.errors import BadSampleError, one_line
from triptych.images import ImageHeader, image_header, read_ids, refuse_changed_ids
from triptych.images.limits import MAX_TRAINING_PIXELS, refuse_large

Pixels = npt.NDArray[np.uint8]
Content = TypeVar("Content")

_SMALL_PX = 16


@dataclass(frozen=True)
class ImageContent:
    """What an image holds.

    Args:
        header: Its header; None if it cannot be read.
        error: Why it cannot be read; empty if it can.
        digest: Hash of shape and pixels, the same for two images with the same pixels.
        bits: See `difference_hash`.
        small: The image in 16x16 pixels, RGB uint8 (16, 16, 3).
    """

    header: ImageHeader | None = None
    error: str = ""
    digest: bytes = b""
    bits: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(64, dtype=np.bool_))
    small: Pixels = field(default_factory=lambda: np.zeros((_SMALL_PX, _SMALL_PX, 3), dtype=np.uint8))


@dataclass(frozen=True)
class MaskContent:
    """What a mask holds.

    Args:
        header: Its header; None if it cannot be read.
        error: Why it cannot be read; empty if it can.
        changed: Why its values are not those that were drawn, such as a JPEG's; empty if they are.
        palette: Colour of each id that occurs, as `#rrggbb`; empty without a palette.
        counts: Number of pixels of each id or colour.
        classes: Number of pixels of each class id, 255 for void, as far as ids or colours have a class.
        outside: Ids or colours without a class.
    """

    header: ImageHeader | None = None
    error: str = ""
    changed: str = ""
    palette: Mapping[int, str] = field(default_factory=dict)
    counts: Mapping[Value, int] = field(default_factory=dict)
    classes: Mapping[int, int] = field(default_factory=dict)
    outside: Set[Value] = frozenset()


def read_all(paths: Mapping[str, Path], read: Callable[[Path], Content], what: str) -> dict[str, Content]:
    """Reads files side by side, by their samples' names; those that do not exist are left out.

    Args:
        paths: Paths by name.
        read: Reads one file; raises no error.
        what: What is read, for the progress bar in a terminal.
    """
    names = [name for name, path in paths.items() if path.is_file()]
    bar = Console(stderr=True)
    with ThreadPoolExecutor(processors()) as pool:
        contents: Iterable[Content] = pool.map(read, [paths[name] for name in names])
        shown = track(contents, what, len(names), console=bar, transient=True, disable=not bar.is_terminal)
        return dict(zip(names, shown, strict=True))


def image_content(path: Path, read: Callable[[Path], Pixels]) -> ImageContent:
    """Reads an image as training does; an error becomes a part of the answer."""
    try:
        header = image_header(path)
        refuse_large(header, path, MAX_TRAINING_PIXELS, "to train on")
        pixels = read(path)
        rgb = np.ascontiguousarray(pixels[..., :3])
        digest = hashlib.sha256(repr(pixels.shape).encode())  # processors have instructions for it
        digest.update(np.ascontiguousarray(pixels).data)
        small = cv2.resize(rgb, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA)
        return ImageContent(header, "", digest.digest(), difference_hash(rgb), np.asarray(small, dtype=np.uint8))
    except Exception as error:  # whatever a decoder raises is a fault of this file
        return ImageContent(error=one_line(error))


def difference_hash(rgb: Pixels) -> npt.NDArray[np.bool_]:
    """Whether each of 8x8 cells is darker than its right neighbour, bool (64,).

    It changes little if an image is resized, compressed or brightened.

    Args:
        rgb: RGB (H, W, 3).

    Source: Krawetz, "Kind of Like That", 2013. imagehash has it as `dhash`, and needs SciPy and PyWavelets.
    """
    grey = cv2.cvtColor(cv2.resize(rgb, (9, 8), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey[:, 1:] > grey[:, :-1]).ravel()


def mask_content(path: Path, table: LabelTable | None) -> MaskContent:
    """Reads a mask as it is stored; an error becomes a part of the answer.

    Args:
        path: The mask.
        table: The classes of its values, if they are known.
    """
    try:
        header = image_header(path)
        refuse_large(header, path, MAX_TRAINING_PIXELS, "to train on")
        if changed := _changed(path, header):
            return MaskContent(header, changed=changed)
        by_color = header.bands > 1 or (table is not None and table.by_color)
        stored: npt.NDArray[Any] = read_colors(path, oriented=False) if by_color else read_ids(path, oriented=False)
        found = count_values(stored)
        palette = {} if by_color else palette_of(path)
        classes, outside = _classes(found, table, by_color) if table is not None else (Counter[int](), set[int]())
        return MaskContent(
            header,
            palette={value: palette[value] for value in found if value in palette},
            counts={value_text(value, by_color): count for value, count in found.items()},
            classes=classes,
            outside={value_text(value, by_color) for value in outside},
        )
    except Exception as error:  # whatever a decoder raises is a fault of this file
        return MaskContent(error=one_line(error))


def _classes(found: Mapping[int, int], table: LabelTable, by_color: bool) -> tuple[Counter[int], set[int]]:
    """Number of pixels of each class id, and the values without a class."""
    if by_color != table.by_color:
        return Counter(), {*found}
    outside, classes = {*table.unknown(found)}, Counter[int]()
    for value in found.keys() - outside:
        classes[table.class_of(value)] += found[value]
    return classes, outside


def _changed(path: Path, header: ImageHeader) -> str:
    try:
        refuse_changed_ids(path, header)
    except BadSampleError as error:
        return one_line(error)
    return ""
