"""TIFFs of any kind, uncompressed, as bytes: other programs write kinds that Pillow and OpenCV do not write."""

import struct
from typing import Literal

import numpy as np
import numpy.typing as npt

GREY, RGB, CMYK = 1, 2, 5
"""Values of PhotometricInterpretation."""
_FORMATS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(
    *pages: npt.NDArray[np.generic],
    photometric: int | None = None,
    extra: tuple[int, ...] = (),
    orientation: int | None = None,
    planar: bool = False,
    subfile: tuple[int, ...] = (),
    order: Literal["<", ">"] = "<",
) -> bytes:
    """A TIFF of pages (H, W) or (H, W, C).

    Args:
        pages: Pixels of each page.
        photometric: PhotometricInterpretation; None takes RGB for three bands and more.
        extra: ExtraSamples.
        orientation: Orientation.
        planar: Whether each band lies by itself.
        subfile: NewSubfileType of each page.
        order: Byte order, as in `struct`.
    """
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    patch = 4
    for number, page in enumerate(pages):
        bands = np.atleast_3d(page)
        height, width, count = bands.shape
        data = (bands.transpose(2, 0, 1) if planar else bands).astype(page.dtype.newbyteorder(order)).tobytes()
        strips, start = count if planar else 1, len(out)
        out += data + b"\0" * (len(data) % 2)
        tags = {
            **{254: ("I", [subfile[number] if subfile else 0]), 256: ("I", [width]), 257: ("I", [height])},
            **{258: ("H", [8 * page.dtype.itemsize] * count), 259: ("H", [1])},
            262: ("H", [photometric if photometric is not None else RGB if count >= 3 else GREY]),
            273: ("I", [start + i * (len(data) // strips) for i in range(strips)]),
            **{277: ("H", [count]), 278: ("I", [height]), 279: ("I", [len(data) // strips] * strips)},
            **{284: ("H", [2 if planar else 1]), 339: ("H", [_FORMATS[page.dtype.kind]] * count)},
            **({274: ("H", [orientation])} if orientation else {}),
            **({338: ("H", list(extra))} if extra else {}),
        }
        directory, far = len(out), b""
        struct.pack_into(order + "I", out, patch, directory)
        far_start = directory + 2 + 12 * len(tags) + 4
        out += struct.pack(order + "H", len(tags))
        for tag, (form, values) in sorted(tags.items()):
            packed = struct.pack(f"{order}{len(values)}{form}", *values)
            out += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[form], len(values))
            if len(packed) <= 4:
                out += packed.ljust(4, b"\0")
            else:
                out += struct.pack(order + "I", far_start + len(far))
                far += packed + b"\0" * (len(packed) % 2)
        patch = len(out)
        out += bytes(4) + far
    return bytes(out)
