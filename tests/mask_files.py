"""Folders of frames with masks in the forms that programs for labelling save, made from arrays."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIZE = (16, 24)
"""(height, width) of the frames and masks, in pixels."""


def square(background: int = 0, inside: int = 1, dtype: type = np.uint8) -> npt.NDArray[np.generic]:
    """A mask of one value with a square of another: 64 of its 384 pixels."""
    ids = np.full(SIZE, background, dtype=dtype)
    ids[4:12, 8:16] = inside
    return ids


def folder(root: Path, masks: Sequence[Image.Image], codes: Sequence[str], suffix: str = "png") -> Path:
    """A folder in the layout of CamVid with a grey frame for each mask; the last one validates."""
    (root / "images").mkdir(parents=True), (root / "labels").mkdir()
    for number, mask in enumerate(masks):
        Image.new("RGB", mask.size, (9 * number, 90, 90)).save(root / "images" / f"f{number}.png")
        mask.save(root / "labels" / f"f{number}_P.{suffix}")
    (root / "codes.txt").write_text("".join(f"{name}\n" for name in codes))
    (root / "valid.txt").write_text(f"f{len(masks) - 1}.png\n")
    return root


def painted(ids: npt.NDArray[np.generic], colors: Mapping[int, tuple[int, int, int]]) -> Image.Image:
    """A mask of 24-bit colours."""
    pixels = np.zeros((*ids.shape, 3), np.uint8)
    for i, color in colors.items():
        pixels[ids == i] = color
    return Image.fromarray(pixels)


def indexed(ids: npt.NDArray[np.generic], colors: Sequence[tuple[int, int, int]]) -> Image.Image:
    """A mask of 8 bits with a palette."""
    mask = Image.fromarray(ids.astype(np.uint8), mode="P")
    mask.putpalette([band for color in colors for band in color])
    return mask


def write_grey_png(path: Path, ids: npt.NDArray[np.generic], bits: int) -> None:
    """A grey PNG of 1, 2 or 4 bits, which Pillow cannot write; the width is a whole number of bytes."""
    height, width = ids.shape
    per_byte = ids.astype(np.uint8).reshape(height, -1, 8 // bits)
    shifts = np.arange(8 - bits, -1, -bits)
    rows = (per_byte << shifts).sum(axis=2).astype(np.uint8)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, body in chunks:
            file.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
