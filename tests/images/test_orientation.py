"""Orientation: pixels and header say the same for each format, alone and as a pair of image and mask."""

import io
import re
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from tiff_files import tiff

from triptych.errors import BadSampleError
from triptych.images import image_header, pair_as_shown, read_ids, read_rgb, read_rgb_and_more

HEIGHT, WIDTH = 5, 8
BANDS = np.random.default_rng(0).integers(256, size=(HEIGHT, WIDTH, 4), dtype=np.uint8)
PIXELS, IDS = np.ascontiguousarray(BANDS[..., :3]), np.ascontiguousarray(BANDS[..., 3])
MARK = (1, 2)
"""Row and column of a marked pixel as stored."""
SHOWN = {
    1: (1, 2),
    2: (1, WIDTH - 1 - 2),
    3: (HEIGHT - 1 - 1, WIDTH - 1 - 2),
    4: (HEIGHT - 1 - 1, 2),
    5: (2, 1),
    6: (2, HEIGHT - 1 - 1),
    7: (WIDTH - 1 - 2, HEIGHT - 1 - 1),
    8: (WIDTH - 1 - 2, 1),
}
"""Row and column of that pixel as shown, by the EXIF orientation."""


def with_exif(pixels: np.ndarray, orientation: int, kind: str, **options: object) -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(pixels).save(file, kind, exif=exif, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def late_exif(pixels: np.ndarray, orientation: int) -> bytes:
    """A PNG whose EXIF follows the pixels."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[274] = orientation
    Image.fromarray(pixels).save(file, "png")
    whole = file.getvalue()
    return whole[:-12] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + whole[-12:]


def xmp_alone(pixels: np.ndarray, orientation: int) -> bytes:
    file = io.BytesIO()
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="{orientation}"/></x:xmpmeta>'
    Image.fromarray(pixels).save(file, "jpeg", quality=100, subsampling=0, xmp=xmp.encode())
    return file.getvalue()


FORMATS = {
    "png": lambda pixels, orientation: with_exif(pixels, orientation, "png"),
    "late.png": late_exif,
    "jpg": lambda pixels, orientation: with_exif(pixels, orientation, "jpeg", quality=100, subsampling=0),
    "xmp.jpg": xmp_alone,
    "webp": lambda pixels, orientation: with_exif(pixels, orientation, "webp", lossless=True),
    "tif": lambda pixels, orientation: with_exif(pixels, orientation, "tiff"),
    "deflated.tif": lambda pixels, orientation: with_exif(pixels, orientation, "tiff", compression="tiff_deflate"),
    "big.tif": lambda pixels, orientation: with_exif(pixels, orientation, "tiff", big_tiff=True),
    "motorola.tif": lambda pixels, orientation: tiff(pixels, orientation=orientation, order=">"),
}


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("name", FORMATS)
def test_pixels_and_header_come_as_pillow_shows_the_image(tmp_path: Path, name: str, orientation: int) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name](PIXELS, orientation))
    header, read = image_header(path), read_rgb(path)
    with Image.open(path) as image:
        shown = np.array(ImageOps.exif_transpose(image))
    np.testing.assert_allclose(read, shown, atol=0 if "jpg" not in name else 4)  # two decoders round differently
    np.testing.assert_allclose(read[SHOWN[orientation]], PIXELS[MARK], atol=0 if "jpg" not in name else 4)
    assert (header.size, header.orientation) == (read.shape[1::-1], orientation)
    stored = read_rgb(path, oriented=False)
    assert header.stored_size == stored.shape[1::-1] == (WIDTH, HEIGHT)
    np.testing.assert_allclose(stored, PIXELS, atol=0 if "jpg" not in name else 4)


@pytest.mark.parametrize("orientation", SHOWN)
@pytest.mark.parametrize("name", ["png", "tif", "deflated.tif"])
def test_ids_and_four_bands_and_deep_ones_turn_alike(tmp_path: Path, name: str, orientation: int) -> None:
    path, mark = tmp_path / name, SHOWN[orientation]
    path.write_bytes(FORMATS[name](IDS, orientation))
    assert read_ids(path)[mark] == IDS[MARK]
    assert np.array_equal(read_ids(path, oriented=False), IDS)
    path.write_bytes(FORMATS[name](BANDS, orientation))
    assert np.array_equal(read_rgb_and_more(path)[mark], BANDS[MARK])
    path.write_bytes(tiff(PIXELS.astype(np.uint16), orientation=orientation))
    assert np.array_equal(read_rgb(path, scale=255)[mark], PIXELS[MARK])
    assert image_header(path).size == read_rgb(path, scale=255).shape[1::-1]


@pytest.mark.parametrize("value", [0, 9, 300])
def test_an_orientation_that_does_not_exist_leaves_the_image_as_it_is(tmp_path: Path, value: int) -> None:
    for name in ("png", "tif"):
        (tmp_path / name).write_bytes(FORMATS[name](PIXELS, value))
        assert image_header(tmp_path / name).orientation == 1
        assert np.array_equal(read_rgb(tmp_path / name), PIXELS)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's word for it
def test_broken_exif_leaves_the_image_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path, exif=b"Exif\0\0MM\0*\0\0\0\xff")
    assert image_header(path).orientation == 1
    assert np.array_equal(read_rgb(path), PIXELS)


def pair(folder: Path, orientation: int, mask: np.ndarray, of_mask: int = 1, pixels: np.ndarray = PIXELS) -> bool:
    """What is decided for a JPEG and a mask."""
    image_path, mask_path = folder / "f.jpg", folder / "f.png"
    image_path.write_bytes(FORMATS["jpg"](pixels, orientation))
    mask_path.write_bytes(FORMATS["png"](mask, of_mask))
    return pair_as_shown((image_path, image_header(image_path)), (mask_path, image_header(mask_path)))


def test_a_mask_of_the_size_as_shown_is_read_with_its_image_as_shown(tmp_path: Path) -> None:
    assert pair(tmp_path, 1, IDS)
    assert pair(tmp_path, 6, IDS.T.copy())
    assert pair(tmp_path, 6, IDS, of_mask=6)
    assert pair(tmp_path, 3, IDS, of_mask=3)


def test_a_mask_of_the_size_as_stored_is_read_with_its_image_as_stored_and_a_warning_says_so_once(
    tmp_path: Path,
) -> None:
    text = f"{tmp_path / 'f.jpg'}: its mask f.png has the size of the image as stored, not 5x8 as shown (EXIF "
    with pytest.warns(UserWarning, match="^" + re.escape(text + "orientation 6; 8x5 as stored); ")):
        assert not pair(tmp_path, 6, IDS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not pair(tmp_path, 6, IDS)


@pytest.mark.parametrize(("orientation", "pixels"), [(3, PIXELS), (6, PIXELS[:, :HEIGHT])], ids=["half turn", "square"])
def test_where_sizes_do_not_tell_each_orientation_counts_and_a_warning_says_so(
    tmp_path: Path, orientation: int, pixels: np.ndarray
) -> None:
    text = rf"f\.jpg: has the EXIF orientation {orientation}, its mask f\.png 1, and the sizes do not tell"
    with pytest.warns(UserWarning, match=text):
        assert pair(tmp_path, orientation, IDS[:, : pixels.shape[1]], pixels=pixels)


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, "8x5, got 7x5"), (6, "5x8 as shown (EXIF orientation 6; 8x5 as stored), got 7x5")],
)
def test_a_mask_of_another_size_is_refused(tmp_path: Path, orientation: int, expected: str) -> None:
    text = f"{tmp_path / 'f.png'}: expected the size of its frame, {expected} (width x height)."
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        pair(tmp_path, orientation, IDS[:, :7])


def test_opencv_is_told_nothing_of_the_orientation(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(FORMATS["jpg"](PIXELS, 6))
    by_opencv = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(by_opencv, read_rgb(path))
