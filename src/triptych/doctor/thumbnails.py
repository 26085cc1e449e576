"""Small pictures of the files of a finding."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.label_table import LabelTable
from triptych.doctor.findings import Finding
from triptych.doctor.inventory import Inventory, MaskLabels, PointLabels
from triptych.draw.page import Thumbnail
from triptych.draw.points import draw_points
from triptych.images import read_ids

_SIDE = 176
"""Longest side in pixels."""
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What readers raise for a file of which there is no picture."""
_NO_CLASS, _VOID = (255, 0, 255), (0, 0, 0)


def thumbnails(finding: Finding, data: Inventory[Any], count: int) -> Iterator[Thumbnail]:
    """The first files of a finding: a mask with its frame, a copy with its original, an image with its points."""
    frame_of = {}
    if isinstance(data.labels, MaskLabels):
        frame_of = {data.relative(path): data.relative(data.images[name]) for name, path in data.labels.paths.items()}
    names = {data.relative(path): name for name, path in data.images.items()}
    for path, why in list(finding.files.items())[:count]:
        beside = finding.beside.get(path) or frame_of.get(path)
        shown = [path] if beside is None else [beside, path]
        pictures = [_image(data, names[one]) if one in names else _mask(data, one) for one in shown]
        yield Thumbnail(path, why, [picture for picture in pictures if picture is not None])


def _image(data: Inventory[Any], name: str) -> Image.Image | None:
    with contextlib.suppress(*_UNREADABLE):
        pixels = data.read(data.images[name])[..., :3]
        points = []
        if isinstance(data.labels, PointLabels):
            known = data.labels.points_px.get(name, np.empty((0, 2)))
            points = [(y, x) for x, y in known[~np.isnan(known).any(axis=1)].tolist()]
        picture = draw_points(np.ascontiguousarray(pixels), (), points)
        picture.thumbnail((_SIDE, _SIDE))
        return picture
    return None


def _mask(data: Inventory[Any], path: str) -> Image.Image | None:
    """A mask in the colours of its file or, if it has none, of its classes, with magenta for ids without a class."""
    with contextlib.suppress(*_UNREADABLE):
        with Image.open(data.root / path) as file:
            if file.mode in ("P", "RGB", "RGBA"):
                picture = file.convert("RGB")
            else:
                picture = _colored(read_ids(data.root / path, oriented=False), data.labels.table)
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.NEAREST)
        return picture
    return None


def _colored(ids: npt.NDArray[Any], table: LabelTable | None) -> Image.Image:
    values, position = np.unique(ids, return_inverse=True)
    own = [] if table is None else class_colors(table.codes).tolist()
    colors = []
    for value in values.tolist():
        if table is None or table.unknown({value: 1}):
            colors.append(_NO_CLASS)
        else:
            class_id = table.class_of(value)
            colors.append(own[class_id] if class_id < len(own) else _VOID)
    return Image.fromarray(np.array(colors, dtype=np.uint8)[position.reshape(ids.shape)])
