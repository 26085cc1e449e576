"""Overlays: the exact blend, and a legend of the classes that occur."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from triptych.datasets.camvid_classes import OFFICIAL_NAMES, class_colors
from triptych.draw.overlay import overlay, palette_mask

COLORS = class_colors(OFFICIAL_NAMES)


def made_up(height: int, width: int, num_classes: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """A noisy image, and ids in which class 0 is the largest, class 1 the next, and so on."""
    rng = np.random.default_rng(0)
    fractions = np.arange(num_classes, 0, -1, dtype=float)
    ids = rng.choice(num_classes, (height, width), p=fractions / fractions.sum()).astype(np.uint8)
    ids.flat[:num_classes] = np.arange(num_classes)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), ids


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[float, ...]]]:
    """What is written into legends: text and its box in the legend."""
    seen: list[tuple[str, tuple[float, ...]]] = []
    draw_text = ImageDraw.ImageDraw.text

    def text(
        self: ImageDraw.ImageDraw, xy: tuple[float, float], line: str, fill: str, font: object, anchor: str
    ) -> None:
        seen.append((line, self.textbbox(xy, line, font, anchor)))  # type: ignore[arg-type]
        draw_text(self, xy, line, fill, font, anchor)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return seen


@pytest.mark.parametrize("opacity", [0.0, 0.3, 1.0])
def test_picture_is_the_blend_to_the_pixel(opacity: float) -> None:
    image, ids = made_up(200, 60, 5)
    drawn = np.array(overlay(image, ids, COLORS, OFFICIAL_NAMES, opacity))
    expected = (1 - opacity) * image + opacity * COLORS[ids]
    assert np.abs(drawn[:200, :60].astype(float) - expected).max() <= 0.5


def test_legend_names_the_classes_that_occur_with_their_fractions_largest_first(
    written: list[tuple[str, tuple[float, ...]]],
) -> None:
    ids = np.full((100, 100), OFFICIAL_NAMES.index("Road"), np.uint8)
    ids[:30] = OFFICIAL_NAMES.index("Sky")
    ids[0, :9] = OFFICIAL_NAMES.index("Car")
    drawn = np.array(overlay(np.zeros((100, 100, 3), np.uint8), ids, COLORS, OFFICIAL_NAMES))
    assert [line for line, _ in written] == ["Road  70%", "Sky  30%", "Car  <1%"]
    swatches = {tuple(color) for color in drawn[:, 100:].reshape(-1, 3).tolist()} & {tuple(c) for c in COLORS.tolist()}
    named = [tuple(COLORS[OFFICIAL_NAMES.index(name)].tolist()) for name in ("Road", "Sky", "Car")]
    assert swatches - {(0, 0, 0)} == set(named)


@pytest.mark.parametrize(
    ("height", "width", "num_classes"), [(48, 64, 32), (64, 96, 15), (360, 480, 2), (360, 480, 32)]
)
def test_legend_is_whole_and_nothing_overlaps(
    written: list[tuple[str, tuple[float, ...]]], height: int, width: int, num_classes: int
) -> None:
    image, ids = made_up(height, width, num_classes)
    drawn = overlay(image, ids, COLORS, OFFICIAL_NAMES)
    assert len(written) == num_classes
    for i, (line, (left, top, right, bottom)) in enumerate(written):
        assert (left >= 0, top >= 0, right <= drawn.width - width, bottom <= drawn.height) == (True,) * 4, line
        for other, (a, b, c, d) in written[:i]:
            assert right <= a or c <= left or bottom <= b or d <= top, (line, other)


def test_legend_beside_a_tiny_picture_stays_narrow() -> None:
    image, ids = made_up(48, 64, 32)
    assert overlay(image, ids, COLORS, OFFICIAL_NAMES).width < 1000


def test_mask_keeps_ids_and_shows_class_colours() -> None:
    _, ids = made_up(20, 30, 32)
    mask = palette_mask(ids, COLORS)
    assert np.array_equal(np.array(mask), ids)
    assert np.array_equal(np.array(mask.convert("RGB")), COLORS[ids])
    assert isinstance(mask, Image.Image)
