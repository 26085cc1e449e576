"""Images of more than 8 bits: which value becomes 255, and what is refused."""

import re
import struct
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiff_files import GREY, tiff

from triptych.errors import BadSampleError
from triptych.images import checked_scale, image_header, read_rgb, read_rgb_and_more

RNG = np.random.default_rng(0)
TYPES = {
    "uint16": RNG.integers(0, 4096, (6, 9, 3)).astype(np.uint16),
    "grey uint16": RNG.integers(0, 4096, (6, 9)).astype(np.uint16),
    "int16": RNG.integers(-200, 4300, (6, 9, 3)).astype(np.int16),
    "uint32": RNG.integers(0, 2**31, (6, 9)).astype(np.uint32),
    "int32": RNG.integers(0, 2**31, (6, 9, 3)).astype(np.int32),
    "float32": RNG.uniform(-0.1, 1.2, (6, 9, 3)).astype(np.float32),
    "grey float32": RNG.uniform(-0.1, 1.2, (6, 9)).astype(np.float32),
    "float64": RNG.uniform(-0.1, 1.2, (6, 9, 3)),
}
SCALES = {"uint16": 4095, "int16": [-200, 4300], "uint32": 2.0**31, "int32": 2.0**31, "float32": 1.0, "float64": 1.0}


def write(path: Path, pixels: np.ndarray) -> Path:
    if path.suffix == ".png":
        cv2.imwrite(str(path), pixels)
    else:
        path.write_bytes(tiff(pixels))
    return path


@pytest.mark.parametrize("name", TYPES)
def test_values_are_scaled_linearly_and_cut_at_the_ends(tmp_path: Path, name: str) -> None:
    pixels, scale = TYPES[name], SCALES[name.split()[-1]]
    low, high = scale if isinstance(scale, list) else (0, scale)
    expected = np.clip(np.rint((pixels.astype(np.float64) - low) / (high - low) * 255), 0, 255)
    expected = np.broadcast_to(np.atleast_3d(expected), (6, 9, 3))
    read = read_rgb(write(tmp_path / "a.tif", pixels), scale)
    assert read.dtype == np.uint8
    np.testing.assert_allclose(read, expected, atol=1)  # float32 rounds a half up or down
    assert (read != expected).mean() < 0.02


def test_a_png_of_16_bits_and_four_bands_keeps_their_order(tmp_path: Path) -> None:
    bands = np.random.default_rng(1).integers(0, 1024, (6, 9, 4)).astype(np.uint16)
    path = write(tmp_path / "a.png", bands[..., [2, 1, 0, 3]])
    expected = np.rint(bands / 1023 * 255)
    assert np.array_equal(read_rgb_and_more(path, 1023), expected)
    assert np.array_equal(read_rgb(path, 1023), expected[..., :3])


def test_not_a_number_is_black_and_infinite_ones_are_the_ends(tmp_path: Path) -> None:
    pixels = np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)
    assert read_rgb(write(tmp_path / "a.tif", pixels), 1.0)[0, :, 0].tolist() == [0, 255, 0, 128]


def test_an_8_bit_image_is_read_as_it_is_whatever_the_scale(tmp_path: Path) -> None:
    pixels = np.arange(54, dtype=np.uint8).reshape(6, 9)
    assert np.array_equal(read_rgb(write(tmp_path / "a.png", pixels), 4095)[..., 0], pixels)


@pytest.mark.parametrize(("high", "white"), [(200, 255), (1023, 1023), (1024, 4095), (9000, 16383), (65535, 65535)])
def test_without_scale_integers_are_scaled_by_the_bits_they_need_and_a_warning_says_so_once(
    tmp_path: Path, high: int, white: int
) -> None:
    pixels = np.linspace(0, high, 54).astype(np.uint16).reshape(6, 9)
    path = write(tmp_path / "a.png", pixels)
    text = (
        f"{path}: 1 band of 16 bits, here from 0 to {high}; because `scale` is not set, {white} becomes 255 here, and "
        f"each such image is scaled by the bits that its own values need. Set scale: {white} to scale"
    )
    with pytest.warns(UserWarning, match="^" + re.escape(text)):
        read = read_rgb(path)
    assert np.array_equal(read[..., 0], np.rint(pixels / white * 255))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(read_rgb(path), read)


@pytest.mark.parametrize("no_data", [-9999, -32768, -3.4e38])
def test_what_stands_for_no_data_is_no_end_of_the_scale_that_fits(tmp_path: Path, no_data: float) -> None:
    path = write(tmp_path / "a.tif", np.float32([[0.03, no_data, 0.51]]))
    text = f"here from 0.03 to 0.51 besides {no_data:.6g}, probably for no data, which becomes 0, are not read without "
    with pytest.raises(BadSampleError, match=re.escape(text) + ".* set scale: 1.0, "):
        read_rgb(path)
    assert read_rgb(path, 1.0)[0, :, 0].tolist() == [8, 0, 130]


@pytest.mark.parametrize(
    ("pixels", "what", "fitting"),
    [
        (np.float32([[0.03, 0.51]]), "1 band of 32-bit floats, here from 0.03 to 0.51", "1.0, the value that"),
        (np.float32([[0.03, 2999.5]]), "1 band of 32-bit floats, here from 0.03 to 2999.5", "3000, the value that"),
        (np.int16([[-1024, 3071]]), "1 band of signed 16 bits, here from -1024 to 3071", "[-1024, 3071], the values"),
        (np.int16([[-9, 3071]]), "1 band of signed 16 bits, here from -9 to 3071", "4095, the value that"),
        (np.float64([[np.nan, 1.2]]), "1 band of 64-bit floats, here from 1.2 to 1.2", "1.0, the value that"),
    ],
    ids=["reflectance", "floats", "signed", "a little below 0", "with gaps"],
)
def test_without_scale_floats_and_values_below_0_are_refused_with_a_scale_that_fits(
    tmp_path: Path, pixels: np.ndarray, what: str, fitting: str
) -> None:
    path = write(tmp_path / "a.tif", pixels)
    text = f"{path}: {what}, are not read without `scale`; set scale: {fitting}"
    with pytest.raises(BadSampleError, match="^" + re.escape(text)):
        read_rgb(path)


def packed_12_bits(values: np.ndarray) -> bytes:
    """A grey TIFF of 12 bits, two values in three bytes."""
    bits = "".join(f"{value:012b}" for value in values.ravel())
    rows = np.frombuffer(int(bits, 2).to_bytes(len(bits) // 8, "big"), np.uint8).reshape(len(values), -1)
    data = bytearray(tiff(rows))
    for entry, value in ((struct.pack("<HHI", 256, 4, 1), values.shape[1]), (struct.pack("<HHI", 258, 3, 1), 12)):
        struct.pack_into("<H", data, data.index(entry) + len(entry), value)
    return bytes(data)


def test_bits_that_the_file_packs_are_its_scale(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 300, (6, 8))
    (tmp_path / "a.tif").write_bytes(packed_12_bits(values))
    assert image_header(tmp_path / "a.tif").bits == 12
    assert np.array_equal(read_rgb(tmp_path / "a.tif")[..., 0], np.rint(values / 4095 * 255))


def test_where_0_is_white_the_values_are_inverted(tmp_path: Path) -> None:
    values = np.array([[0, 65535, 16383]], np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff(values, photometric=0))
    assert read_rgb(tmp_path / "a.tif", 65535)[0, :, 0].tolist() == [255, 0, 191]
    (tmp_path / "b.tif").write_bytes(tiff(values, photometric=GREY))
    assert read_rgb(tmp_path / "b.tif", 65535)[0, :, 0].tolist() == [0, 255, 64]


@pytest.mark.parametrize("scale", [0, -1.0, [3, 3], [1, 2, 3], [], float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale: object) -> None:
    text = f"scale: expected the value that becomes 255, above 0, or the two that become 0 and 255, got {scale!r}."
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        checked_scale(scale)  # type: ignore[arg-type]
