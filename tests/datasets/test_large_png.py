"""Large PNGs are decoded to the pixels that OpenCV gives, without a copy of them."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from triptych.datasets import large_png
from triptych.datasets.images import read_rgb
from triptych.datasets.large_png import decode_large_png


@pytest.fixture
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_png, "_MIN_PIXELS", 40 * 50)


def png(mode: str, height: int = 40) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (height, 50, 4), dtype=np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(noise[..., :3])
    if mode == "I;16":
        Image.fromarray(256 * noise[..., 0].astype(np.uint16)).save(file, "PNG")
    elif "A" in mode:
        Image.fromarray(noise).convert(mode).save(file, "PNG")
    else:
        image.convert(mode).save(file, "PNG")
    return file.getvalue()


@pytest.mark.usefixtures("small_is_large")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_a_large_png_of_any_mode_has_the_pixels_of_opencv(tmp_path: Path, mode: str) -> None:
    data = png(mode)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    found = decode_large_png(data)
    assert found is not None and found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)
    (tmp_path / "x.png").write_bytes(data)
    np.testing.assert_array_equal(read_rgb(tmp_path / "x.png"), expected)


@pytest.mark.usefixtures("small_is_large")
def test_what_is_small_or_deep_or_broken_or_no_png_is_left_to_others() -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((60, 60, 3), np.uint8))[1].tobytes()
    for data in (png("RGB", height=39), png("I;16"), jpeg, b"", png("RGB")[:20], png("RGB")[:200]):
        assert decode_large_png(data) is None
