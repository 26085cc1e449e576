"""Single images and masks: what is read, and that every unreadable file is named."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from triptych.datasets.images import ImageHeader, image_header, read_ids, read_rgb, read_rgb_and_more
from triptych.errors import BadSampleError, MissingDataError

READERS = [read_rgb, read_rgb_and_more, read_ids, image_header]
PIXELS = np.random.default_rng(0).integers(256, size=(12, 18, 3), dtype=np.uint8)
BANDS = np.random.default_rng(3).integers(256, size=(12, 18, 4), dtype=np.uint8)
IDS = np.random.default_rng(1).integers(32, size=(12, 18), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "png") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def palette_mask() -> Image.Image:
    mask = Image.fromarray(IDS)
    mask.putpalette(np.random.default_rng(2).integers(256, size=96).tolist())
    return mask


def test_colours_come_as_rgb_not_bgr(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    assert np.array_equal(read_rgb(tmp_path / "a.png"), PIXELS)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1"])
def test_images_of_any_kind_come_as_three_channels(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    image.save(tmp_path / "a.png")
    read = read_rgb(tmp_path / "a.png")
    assert (read.dtype, read.shape) == (np.uint8, (12, 18, 3))
    assert np.array_equal(read, np.array(image.convert("RGB")))


FOUR_BANDS: dict[str, Callable[[Path], object]] = {
    "alpha.tif": lambda path: Image.fromarray(BANDS).save(path),
    "deflated alpha.tif": lambda path: Image.fromarray(BANDS).save(path, compression="tiff_deflate"),
    "unspecified.tif": lambda path: Image.frombytes("RGBX", (18, 12), BANDS.tobytes()).save(path),
    "untagged.tif": lambda path: cv2.imwrite(str(path), BANDS[..., [2, 1, 0, 3]]),
    "alpha.png": lambda path: Image.fromarray(BANDS).save(path),
}


@pytest.mark.parametrize("name", FOUR_BANDS)
def test_four_bands_come_as_they_stand_in_the_file_whatever_it_calls_the_last(tmp_path: Path, name: str) -> None:
    FOUR_BANDS[name](tmp_path / name)
    read = read_rgb_and_more(tmp_path / name)
    assert read.dtype == np.uint8
    assert np.array_equal(read, BANDS)


@pytest.mark.parametrize(
    ("array", "got"),
    [(PIXELS, "3 of 8"), (BANDS.astype(np.uint16), "4 of 16"), (PIXELS[..., 0], "1 of 8")],
    ids=["RGB", "16 bits", "grey"],
)
def test_other_than_four_bands_of_8_bits_are_refused(tmp_path: Path, array: np.ndarray, got: str) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), array)
    text = f"{path}: expected 4 channels of 8 bits (RGB and one more), got {got} bits; convert the file, or set "
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        read_rgb_and_more(path)


@pytest.mark.parametrize("compression", [None, "tiff_deflate"])
def test_a_tiff_cut_anywhere_is_refused_by_name(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(BANDS).save(path, compression=compression)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 61):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected an image")):
            read_rgb_and_more(path)


def test_masks_come_as_ids_from_palette_and_grey_files_alike(tmp_path: Path) -> None:
    palette_mask().save(tmp_path / "palette.png")
    Image.fromarray(IDS).save(tmp_path / "grey.png")
    assert np.array_equal(read_ids(tmp_path / "palette.png"), IDS)
    assert np.array_equal(read_ids(tmp_path / "grey.png"), IDS)


def test_masks_of_colours_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(PIXELS).save(path)
    text = f"{path}: expected 8-bit class ids, or 16-bit ones, got uint8 of shape (12, 18, 3); save the ids, not their"
    with pytest.raises(BadSampleError, match=re.escape(text)):
        read_ids(path)


def test_header_tells_width_height_and_mode(tmp_path: Path) -> None:
    palette_mask().save(tmp_path / "a.png")
    assert image_header(tmp_path / "a.png") == ImageHeader((18, 12), "P", bands=1, bits=8, pages=1, format="PNG")


@pytest.mark.parametrize("reader", READERS)
def test_an_absent_file_is_missing_data(tmp_path: Path, reader) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'a.png'}: no such file; expected an image.")):
        reader(tmp_path / "a.png")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("image", ["frame", "mask"])
def test_a_png_cut_anywhere_is_refused_by_name(tmp_path: Path, reader, image: str) -> None:
    whole = encoded(Image.fromarray(PIXELS) if image == "frame" else palette_mask())
    path = tmp_path / "a.png"
    for length in (*range(40), *range(40, len(whole), 23), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a")):
            reader(path)


def test_a_jpeg_cut_anywhere_is_refused_on_reading(tmp_path: Path) -> None:
    whole = encoded(Image.fromarray(PIXELS), "jpeg")
    path = tmp_path / "a.jpg"
    for length in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(str(path))):
            read_rgb(path)


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_rgb, "expected an image, but it cannot be decoded; replace the file."),
        (read_rgb_and_more, "expected an image, but it cannot be decoded; replace the file."),
        (image_header, "expected an image, got a file that is not one or is cut off."),
        (read_ids, "expected an image, got a file that is not one or is cut off."),
    ],
)
def test_text_under_the_name_of_an_image_is_refused(tmp_path: Path, reader, text: str) -> None:
    path = tmp_path / "a.png"
    path.write_text("404 not found")
    with pytest.raises(BadSampleError, match=re.escape(f"{path}: {text}")):
        reader(path)


def test_a_mask_with_broken_pixels_is_refused_though_its_ends_are_whole(tmp_path: Path) -> None:
    whole = bytearray(encoded(palette_mask()))
    start = whole.index(b"IDAT") + 4
    whole[start : start + 20] = bytes(20)
    path = tmp_path / "mask.png"
    path.write_bytes(whole)
    with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a mask, but it cannot be decoded (")):
        read_ids(path)
