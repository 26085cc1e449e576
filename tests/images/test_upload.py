"""An upload is read as the same file on disk is, and is bounded before it is decoded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from uploads import encoded, street

from triptych.errors import BadSampleError
from triptych.images import read_ids, read_rgb, uploaded_header, uploaded_ids, uploaded_image


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [("PNG", "RGB", {}), ("JPEG", "RGB", {}), ("PNG", "L", {}), ("TIFF", "CMYK", {}), ("WEBP", "RGBA", {})],
)
def test_an_image_is_read_as_from_its_file(tmp_path: Path, form: str, mode: str, options: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "image"
    Image.fromarray(street()).convert(mode).save(path, form, exif=exif, **options)
    data = path.read_bytes()
    header = uploaded_header(data, "image", 40 * 30)
    assert header.size == (30, 40)
    assert (uploaded_image(data, "image", header) == read_rgb(path)).all()


def test_ids_are_read_as_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    mask = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) % 3, "P")
    mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    mask.save(path)
    assert (uploaded_ids(path.read_bytes(), "label", (3, 4)) == read_ids(path)).all()


def test_what_is_larger_is_refused_by_its_header() -> None:
    with pytest.raises(BadSampleError, match=r"^image: expected at most 1,199 pixels to read, got 40x30 = 1,200;"):
        uploaded_header(encoded(street()), "image", 1199)


def test_ids_of_another_size_are_refused() -> None:
    with pytest.raises(BadSampleError, match=r"^label: expected the size of its image, 30x40, got 40x30 \(width"):
        uploaded_ids(encoded(street()), "label", (40, 30))


def test_more_than_8_bits_are_read_as_in_training_or_not() -> None:
    data = encoded(np.array([[0, 4095]], np.uint16))
    header = uploaded_header(data, "image", 2)
    assert uploaded_image(data, "image", header, scale=4095).tolist() == [[[0] * 3, [255] * 3]]
    with pytest.raises(BadSampleError, match=r"^image: expected 8 bits, .* got 1 band of 16 bits; convert it\."):
        uploaded_image(data, "image", header)
