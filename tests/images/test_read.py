"""Images and masks of each kind: what is read, what is refused, and that every broken file is named."""

import contextlib
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tiff_files import CMYK, GREY, tiff

from triptych.errors import BadSampleError, MissingDataError
from triptych.images import check_images, decode, image_header, limits, read_ids, read_rgb, read_rgb_and_more

READERS = [read_rgb, read_rgb_and_more, read_ids, image_header]
BANDS = np.random.default_rng(3).integers(256, size=(12, 18, 5), dtype=np.uint8)
PIXELS, FOUR = np.ascontiguousarray(BANDS[..., :3]), np.ascontiguousarray(BANDS[..., :4])
IDS = np.random.default_rng(1).integers(32, size=(12, 18), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def palette_mask() -> Image.Image:
    mask = Image.fromarray(IDS)
    mask.putpalette(np.random.default_rng(2).integers(256, size=96).tolist())
    return mask


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1"])
@pytest.mark.parametrize("kind", ["png", "tiff", "bmp", "webp"])
def test_images_of_any_mode_come_as_three_bands(tmp_path: Path, kind: str, mode: str) -> None:
    if (kind, mode) in {("bmp", "LA"), ("bmp", "RGBA")}:
        pytest.skip("BMP has no such mode")
    image = Image.fromarray(PIXELS).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(BANDS[..., 3] | 1))  # what is transparent altogether has no colour in WebP
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    path = tmp_path / "a.image"
    path.write_bytes(encoded(image, kind, **options))
    read, header = read_rgb(path), image_header(path)
    assert (read.dtype, read.shape, header.size, header.pages) == (np.uint8, (12, 18, 3), (18, 12), 1)
    assert np.array_equal(read, np.array(image.convert("RGB")))
    assert not header.needs_scale


def test_a_cmyk_jpeg_and_tiff_come_in_colour(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((12, 18, 3), (200, 100, 50), np.uint8)).convert("CMYK")
    for kind in ("jpeg", "tiff"):
        (tmp_path / kind).write_bytes(encoded(image, kind))
        with Image.open(tmp_path / kind) as opened:
            np.testing.assert_allclose(read_rgb(tmp_path / kind), np.array(opened.convert("RGB")), atol=2)


FOUR_BANDS: dict[str, Callable[[], bytes]] = {
    "alpha.png": lambda: encoded(Image.fromarray(FOUR)),
    "alpha.tif": lambda: tiff(FOUR, extra=(2,)),
    "alpha of other colours.tif": lambda: tiff(FOUR, extra=(1,)),
    "deflated alpha.tif": lambda: encoded(Image.fromarray(FOUR), "tiff", compression="tiff_deflate"),
    "big alpha.tif": lambda: encoded(Image.fromarray(FOUR), "tiff", big_tiff=True),
    "unspecified.tif": lambda: tiff(FOUR, extra=(0,)),
    "untagged.tif": lambda: tiff(FOUR),
    "planes.tif": lambda: tiff(FOUR, extra=(0,), planar=True),
}


@pytest.mark.parametrize("name", FOUR_BANDS)
def test_four_bands_come_as_they_stand_in_the_file_whatever_it_calls_the_last(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FOUR_BANDS[name]())
    assert np.array_equal(read_rgb_and_more(tmp_path / name), FOUR)
    assert np.array_equal(read_rgb(tmp_path / name), PIXELS)


def test_bands_without_a_meaning_are_taken_in_their_order_where_their_number_says_enough(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for pixels, reader in ((PIXELS, read_rgb), (FOUR, read_rgb_and_more)):
        for extra in ((0,) * (pixels.shape[2] - 1), ()):
            path.write_bytes(tiff(pixels, photometric=GREY, extra=extra))
            assert np.array_equal(reader(path), pixels)


REFUSED = {
    "two": (tiff(BANDS[..., :2], extra=(0,)), "got 2 bands of 8 bits; save one of them, or three as RGB."),
    "four": (
        tiff(FOUR, photometric=GREY, extra=(0, 0, 0)),
        "got 4 bands of 8 bits that the file does not call colours; save it as RGB, or set channels to 4 if",
    ),
    "five": (tiff(BANDS, extra=(0, 0)), "got 5 bands of 8 bits; save one of them, or three as RGB."),
    "five deep": (tiff(BANDS.astype(np.uint16), extra=(0, 0)), "got 5 bands of 16 bits; save one of"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bands_that_are_no_colours_are_refused_with_their_number_and_bits(tmp_path: Path, kind: str) -> None:
    data, text = REFUSED[kind]
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    for reader in (read_rgb, lambda path: check_images([path])):
        with pytest.raises(
            BadSampleError, match="^" + re.escape(f"{path}: expected an image in colour or grey, {text}")
        ):
            reader(path)


NOT_DECODED = {
    "half floats": (tiff(PIXELS.astype(np.float16)), "but this TIFF of 3 bands of 16-bit floats cannot be decoded"),
    "deep planes": (tiff(PIXELS.astype(np.uint16), planar=True), "3 bands of 16 bits, one after the other, are not"),
    "deep ink": (tiff(FOUR.astype(np.uint16), photometric=CMYK), "4 bands of 16 bits (CMYK) are not read; save it"),
    "complex": (tiff(IDS.astype(np.complex64)), "1 band of 64-bit complex numbers (I) are not read; save it as RGB of"),
}


@pytest.mark.parametrize("kind", NOT_DECODED)
def test_sound_tiffs_that_are_not_decoded_are_called_what_they_are(tmp_path: Path, kind: str) -> None:
    data, text = NOT_DECODED[kind]
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(BadSampleError, match=re.escape(text)):
        read_rgb(tmp_path / "a.tif", 1.0)


@pytest.mark.parametrize(
    ("array", "got"),
    [(PIXELS, "3 bands of 8 bits (RGB)"), (PIXELS[..., 0], "1 band of 8 bits (L)")],
    ids=["RGB", "grey"],
)
def test_other_than_four_bands_are_refused_where_four_are_expected(tmp_path: Path, array: np.ndarray, got: str) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), array)
    text = f"{path}: expected 4 channels (RGB and one more), got {got}; convert the file, or set channels to 3 if it"
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        read_rgb_and_more(path)


ANIMATED = [Image.fromarray(np.roll(PIXELS, i)) for i in range(3)]
SEVERAL = {
    "TIFF": tiff(PIXELS, PIXELS, PIXELS),
    **{kind: encoded(ANIMATED[0], kind, save_all=True, append_images=ANIMATED[1:]) for kind in ("GIF", "PNG", "WEBP")},
}


@pytest.mark.parametrize("reader", [read_rgb, read_ids, lambda path: check_images([path])])
@pytest.mark.parametrize("kind", SEVERAL)
def test_several_pages_are_refused_with_their_number(tmp_path: Path, kind: str, reader) -> None:
    path = tmp_path / "a.image"
    path.write_bytes(SEVERAL[kind])
    with pytest.raises(
        BadSampleError, match=re.escape(f"{path}: expected one image, got a {kind} of 3 pages, each of")
    ):
        reader(path)


def test_an_overview_and_a_transparency_beside_the_image_are_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(PIXELS, PIXELS[::2, ::2], PIXELS, subfile=(0, 1, 4)))
    assert np.array_equal(read_rgb(path), PIXELS)


def test_masks_come_as_ids_from_palette_and_grey_files_alike(tmp_path: Path) -> None:
    for kind in ("png", "tiff"):
        for name, image in {"palette": palette_mask(), "grey": Image.fromarray(IDS)}.items():
            (tmp_path / name).write_bytes(encoded(image, kind))
            read = read_ids(tmp_path / name)
            assert read.dtype == np.uint8 and np.array_equal(read, IDS)


def png(rows: bytes, size: tuple[int, int], bits: int, colour_type: int) -> bytes:
    """A PNG of rows as they lie in the file, without filters."""
    height, width = size
    length = len(rows) // height
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0),
        b"IDAT": zlib.compress(b"".join(b"\0" + rows[i * length : (i + 1) * length] for i in range(height))),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks.items()
    )


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_ids_of_few_bits_are_not_stretched(tmp_path: Path, bits: int) -> None:
    ids = np.random.default_rng(4).integers(2**bits, size=(12, 16), dtype=np.uint8)
    path = tmp_path / "a.png"
    rows = np.packbits(np.unpackbits(ids[..., None], axis=-1)[..., -bits:].reshape(12, -1), axis=1)
    path.write_bytes(png(rows.tobytes(), (12, 16), bits, 0))
    assert image_header(path).bits == bits
    assert np.array_equal(read_ids(path), ids)
    assert np.array_equal(read_rgb(path)[..., 0], ids * (255 // (2**bits - 1)))


def test_ids_of_16_bits_keep_their_values(tmp_path: Path) -> None:
    ids = np.random.default_rng(5).integers(2**16, size=(12, 18)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), ids)
    (tmp_path / "a.tif").write_bytes(tiff(ids))
    (tmp_path / "motorola.tif").write_bytes(tiff(ids, order=">"))
    (tmp_path / "signed.tif").write_bytes(tiff((ids // 2).astype(np.int16)))
    for name in ("a.png", "a.tif", "motorola.tif"):
        read = read_ids(tmp_path / name)
        assert read.dtype == np.uint16 and np.array_equal(read, ids)
    assert np.array_equal(read_ids(tmp_path / "signed.tif"), ids // 2)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (tiff(PIXELS), "expected 8-bit class ids, or 16-bit ones, got 3 bands of 8 bits (mode RGB); save the ids, not"),
        (
            tiff(IDS.astype(np.float32)),
            "expected 8-bit class ids, or 16-bit ones, got 1 band of 32-bit floats (mode F)",
        ),
        (
            tiff(IDS.astype(np.int32) + 65536 - 31),
            "expected class ids from 0 to 65535, got 65536; correct the mask, in which 255 is void.",
        ),
        (
            tiff(-IDS.astype(np.int16)),
            "expected class ids from 0 to 65535, got -31; correct the mask, in which 255 is void.",
        ),
    ],
    ids=["colours", "floats", "wide", "below 0"],
)
def test_masks_of_other_than_ids_are_refused(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "mask.tif"
    path.write_bytes(data)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: {text}")):
        read_ids(path)


WHOLE: dict[str, Callable[[], bytes]] = {
    "png": lambda: encoded(Image.fromarray(PIXELS)),
    "palette png": lambda: encoded(palette_mask()),
    "jpeg": lambda: encoded(Image.fromarray(PIXELS), "jpeg"),
    "progressive jpeg": lambda: encoded(Image.fromarray(PIXELS), "jpeg", progressive=True),
    "tiff": lambda: tiff(PIXELS),
    "tiff by Pillow": lambda: encoded(Image.fromarray(PIXELS), "tiff"),
    "deflated tiff": lambda: encoded(Image.fromarray(PIXELS), "tiff", compression="tiff_deflate"),
    "bmp": lambda: encoded(Image.fromarray(PIXELS), "bmp"),
    "webp": lambda: encoded(Image.fromarray(PIXELS), "webp"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_anywhere_is_refused_by_name_and_nothing_else_is_written(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, path = WHOLE[kind](), tmp_path / "a.image"
    for length in (*range(0, 60, 7), *range(60, len(whole) - 2, 37)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a")):
            read_rgb(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["png", "palette png", "tiff by Pillow", "deflated tiff"])
def test_a_png_or_tiff_cut_anywhere_is_refused_by_its_header(tmp_path: Path, kind: str) -> None:
    whole, path = WHOLE[kind](), tmp_path / "a.image"
    for length in (*range(0, 60, 7), *range(60, len(whole) - 2, 37)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a")):
            image_header(path)


@pytest.mark.parametrize("reader", READERS)
def test_an_absent_file_is_missing_data(tmp_path: Path, reader) -> None:
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'a.png'}: no such file; expected an image.")):
        reader(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(MissingDataError, match=re.escape(f"{tmp_path / 'b.png'}: no such file; expected an image.")):
        reader(tmp_path / "b.png")


OTHERS = {
    "empty": (b"", "an empty file; copy it again."),
    "text": (b"404 not found\n", "text ('404 not found'); replace the file."),
    "zip": (b"PK\x03\x04 and more", "an archive (ZIP); unpack it."),
    "tar": (bytes(257) + b"ustar\0" + bytes(300), "an archive (tar); unpack it."),
    "macOS": (b"\0\x05\x16\x07\0\2\0\0Mac OS X", "what macOS keeps beside a file (AppleDouble); delete it."),
    "iPhone": (b"\0\0\0\x24ftypheic\0\0\0\0", "a photograph in HEIF (HEIC), which is not read; convert"),
    "a burst": (b"\0\0\0\x24ftyphevx\0\0\0\0", "a photograph in HEIF (HEIC), which is not read; convert"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; fetch the file with `git lfs"),
    "bytes": (b"\x01\x02\x03", "a file that is not one or is cut off; replace the file."),
    "broken": (b"\xff\xd8\xff\xe0\0\0", "a JPEG that is cut off or broken; copy it again."),
    "no tags": (b"II*\0\x08\0\0\0\0\0", "a TIFF that is cut off or broken; copy it again."),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_that_is_no_image_is_called_what_it_is(tmp_path: Path, reader, kind: str) -> None:
    data, text = OTHERS[kind]
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(BadSampleError, match="^" + re.escape(f"{path}: expected an image, got {text}")):
        reader(path)


def test_a_mask_with_broken_pixels_is_refused_though_its_ends_are_whole(tmp_path: Path) -> None:
    whole = bytearray(encoded(palette_mask()))
    start = whole.index(b"IDAT") + 4
    whole[start : start + 20] = bytes(20)
    path = tmp_path / "mask.png"
    path.write_bytes(whole)
    with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a mask, but it cannot be decoded (")):
        read_ids(path)


def test_a_large_image_is_read_for_prediction_but_not_to_train_on(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("1", (13_500, 13_500)).save(path)
    assert image_header(path).size == (13_500, 13_500)
    text = f"{path}: expected at most 134,217,728 pixels to train on, got 13500x13500 = 182,250,000; cut it into"
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        check_images([path])


@pytest.mark.parametrize("kind", ["png", "palette png", "jpeg", "progressive jpeg", "tiff"])
def test_a_large_image_gives_the_same_pixels_and_is_refused_if_it_is_cut_off(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    whole, path = WHOLE[kind](), tmp_path / "a.image"
    path.write_bytes(whole)
    expected = read_rgb(path)
    monkeypatch.setattr(decode, "_LARGE_PIXELS", 0)
    monkeypatch.setattr(decode, "_SMALL_BYTES", 0)
    assert np.array_equal(read_rgb(path), expected)
    for length in range(0, len(whole) - 2, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(BadSampleError, match=re.escape(f"{path}: expected a")):
            read_rgb(path)
    assert capfd.readouterr() == ("", "")


def test_an_image_that_no_memory_holds_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_PIXELS", 12 * 18 - 1)
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    for reader in (read_rgb, read_ids):
        with pytest.raises(BadSampleError, match=r"a\.png: expected at most 215 pixels to read, got 18x12 = 216; cut"):
            reader(path)


@pytest.mark.parametrize("alpha", [False, True])
def test_grey_of_16_bits_stays_grey_with_and_without_alpha(tmp_path: Path, alpha: bool) -> None:
    grey = np.random.default_rng(6).integers(2**16, size=(12, 18, 1 + alpha)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(png(grey.byteswap().tobytes(), (12, 18), 16, 4 if alpha else 0))
    assert image_header(tmp_path / "a.png").bands == 1 + alpha
    expected = np.repeat(np.rint(grey[..., :1] / 65535 * 255), 3, axis=2)
    np.testing.assert_allclose(read_rgb(tmp_path / "a.png", 65535), expected, atol=1)


def test_the_header_tells_bands_bits_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.image"
    for data, expected in (
        (encoded(palette_mask()), ("P", 1, 8, "u", "PNG", "1 band of 8 bits")),
        (encoded(Image.fromarray(PIXELS), "jpeg"), ("RGB", 3, 8, "u", "JPEG", "3 bands of 8 bits")),
        (tiff(FOUR.astype("f4"), extra=(0,)), ("RGBX", 4, 32, "f", "TIFF", "4 bands of 32-bit floats")),
        (tiff(IDS.astype(np.int16)), ("I;16", 1, 16, "i", "TIFF", "1 band of signed 16 bits")),
        (cv2.imencode(".png", PIXELS.astype("u2"))[1].tobytes(), ("RGB", 3, 16, "u", "PNG", "3 bands of 16 bits")),
    ):  # fmt: skip
        path.write_bytes(data)
        header = image_header(path)
        assert (header.mode, header.bands, header.bits, header.kind, header.format, header.text) == expected


@pytest.mark.filterwarnings("ignore")  # Pillow's, of tags that are broken
@pytest.mark.parametrize("kind", [*WHOLE, "big tiff"])
def test_a_file_with_wrong_bytes_is_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    whole = encoded(Image.fromarray(PIXELS), "tiff", big_tiff=True) if kind == "big tiff" else WHOLE[kind]()
    random, path = np.random.default_rng(7), tmp_path / "a.image"
    for _ in range(60):
        data = bytearray(whole)
        for place in random.integers(min(len(data), 400), size=3):
            data[place] = random.integers(256)
        path.write_bytes(data)
        for reader in READERS:
            with contextlib.suppress(BadSampleError):
                reader(path)
