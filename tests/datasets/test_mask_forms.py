"""Masks in the forms that programs for labelling save: read as the ids that are in them, or refused in one line."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from mask_files import SIZE, folder, indexed, painted, square, write_grey_png
from PIL import Image

from triptych.datasets.camvid import CamVid
from triptych.datasets.camvid_classes import OFFICIAL_COLORS, OFFICIAL_NAMES, SEGNET_NAMES
from triptych.errors import BadSampleError
from triptych.images import read_ids

TWO = ["background", "lesion"]


def mask_of(root: Path, mask: Image.Image, codes: list[str], suffix: str = "png", **arguments: object) -> np.ndarray:
    """The only mask of a new folder, as it is read after a check."""
    frames = CamVid(folder(root, [mask], codes, suffix), label_name=f"{{stem}}_P.{suffix}", **arguments)
    frames.check()
    return frames[0]["mask"]


FORMS: dict[str, tuple[Image.Image, str]] = {
    "1-bit PNG": (Image.fromarray(square().astype(bool)), "png"),
    "1-bit TIFF": (Image.fromarray(square().astype(bool)), "tif"),
    "16-bit PNG": (Image.fromarray(square(dtype=np.uint16)), "png"),
    "16-bit TIFF": (Image.fromarray(square(dtype=np.uint16)), "tif"),
    "32-bit TIFF": (Image.fromarray(square(dtype=np.int32)), "tif"),
    "grey PNG": (Image.fromarray(square()), "png"),
    "palette PNG": (indexed(square(), [(0, 0, 0), (128, 0, 0)]), "png"),
    "GIF": (indexed(square(), [(9, 9, 9), (128, 0, 0)]), "gif"),
    "BMP": (Image.fromarray(square()), "bmp"),
}


@pytest.mark.parametrize("form", FORMS)
def test_ids_are_read_from_every_form_that_keeps_them(form: str, tmp_path: Path) -> None:
    mask, suffix = FORMS[form]
    ids = mask_of(tmp_path, mask, TWO, suffix)
    assert ids.dtype == np.uint8
    assert np.array_equal(ids, square())


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_values_of_few_bits_are_ids_and_not_levels_of_brightness(bits: int, tmp_path: Path) -> None:
    ids = np.random.default_rng(bits).integers(2**bits, size=SIZE)
    write_grey_png(tmp_path / "mask.png", ids, bits)
    assert np.array_equal(read_ids(tmp_path / "mask.png"), ids)


def test_ids_of_16_bits_above_255_are_themselves(tmp_path: Path) -> None:
    ids = mask_of(tmp_path, Image.fromarray(square(256, 511, np.uint16)), TWO, label_map={256: TWO[0], 511: TWO[1]})
    assert np.array_equal(ids, square())


@pytest.mark.parametrize(
    ("codes", "void"), [(["a", "b"], 255), (["Void", "b"], 0), (["a", "b", "void"], 2), (["a", "VOID"], 1)]
)
@pytest.mark.parametrize("form", [Image.fromarray, lambda ids: Image.fromarray(ids.astype(np.uint16))])
def test_255_is_void_whether_or_not_void_has_a_name(
    form: Callable[[np.ndarray], Image.Image], codes: list[str], void: int, tmp_path: Path
) -> None:
    frames = CamVid(folder(tmp_path, [form(square(0, 255))], codes))
    assert frames.ignore_index == void
    assert np.array_equal(frames[0]["mask"], square(0, void))


def test_255_is_void_of_the_eleven_classes_too(tmp_path: Path) -> None:
    road = OFFICIAL_NAMES.index("Road")
    ids = mask_of(tmp_path, Image.fromarray(square(road, 255)), list(OFFICIAL_NAMES), classes="11")
    assert np.array_equal(ids, square(SEGNET_NAMES.index("Road"), 11))


def test_only_void_can_be_class_255(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(256)]
    text = "codes.txt: expected at most 255 class names, since 255 is void in every mask, got 256."
    with pytest.raises(ValueError, match=re.escape(text)):
        CamVid(folder(tmp_path / "one", [Image.fromarray(square())], names))
    frames = CamVid(folder(tmp_path / "other", [Image.fromarray(square(254, 255))], [*names[:255], "Void"]))
    assert frames.ignore_index == 255
    assert np.array_equal(frames[0]["mask"], square(254, 255))


LOSSY: dict[str, tuple[dict[str, object], str]] = {
    "jpg": ({"format": "JPEG"}, "JPEG"),
    "png": ({"format": "JPEG"}, "JPEG"),
    "webp": ({"format": "WEBP"}, "WebP with losses"),
    "avif": ({"format": "AVIF"}, "AVIF"),
    "tif": ({"format": "TIFF", "compression": "jpeg"}, "TIFF compressed as jpeg"),
}


@pytest.mark.parametrize("suffix", LOSSY)
def test_a_format_that_changes_ids_is_refused_whatever_its_suffix(suffix: str, tmp_path: Path) -> None:
    options, got = LOSSY[suffix]
    frames = CamVid(folder(tmp_path, [Image.fromarray(square())], TWO), label_name=f"{{stem}}_P.{suffix}")
    path = frames.label_path("f0.png")
    Image.fromarray(square()).save(path, **options)
    text = re.escape(f"{path}: expected a mask without losses, got {got}, which changes ids; save the masks as PNG")
    for read in (frames.check, lambda: frames[0]):
        with pytest.raises(BadSampleError, match=text):
            read()


def test_a_webp_without_losses_holds_grey_colours_that_can_be_mapped(tmp_path: Path) -> None:
    frames = CamVid(folder(tmp_path, [Image.fromarray(square())], TWO), label_name="{stem}_P.webp")
    Image.fromarray(square()).save(frames.label_path("f0.png"), lossless=True)
    text = 'got colours, #000000 (83.3 %), #010101 (16.7 %); save the ids, or set label_map: {"#000000": background, '
    with pytest.raises(BadSampleError, match=re.escape(text + '"#010101": lesion, "#ffffff": Void}.')):
        frames.check()


def test_a_mask_of_several_frames_is_refused(tmp_path: Path) -> None:
    frames = CamVid(folder(tmp_path, [Image.fromarray(square())], TWO), label_name="{stem}_P.gif")
    one, other = (indexed(square(inside=inside), [(0, 0, 0), (9, 9, 9)]) for inside in (0, 1))
    one.save(frames.label_path("f0.png"), save_all=True, append_images=[other])
    text = f"{frames.label_path('f0.png')}: expected one mask, got 2 pages or frames; save one image a file."
    with pytest.raises(BadSampleError, match=re.escape(text)):
        frames.check()


def test_fractions_and_negative_numbers_are_no_ids(tmp_path: Path) -> None:
    Image.fromarray(square().astype(np.float32) / 2).save(tmp_path / "fractions.tif")
    with pytest.raises(BadSampleError, match=r"fractions\.tif: expected 8-bit class ids, or 16-bit ones, got .*float"):
        read_ids(tmp_path / "fractions.tif")
    Image.fromarray(square(0, -1, np.int32)).save(tmp_path / "negative.tif")
    with pytest.raises(BadSampleError, match=r"negative\.tif: expected class ids from 0 to 65535, got -1; correct the"):
        read_ids(tmp_path / "negative.tif")


def test_camvids_own_coloured_masks_are_refused_with_a_map_that_reads_them(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(32, size=SIZE).astype(np.uint8)
    mask = painted(ids, dict(enumerate(OFFICIAL_COLORS.values())))
    frames = CamVid(folder(tmp_path, [mask], list(OFFICIAL_NAMES)))
    with pytest.raises(BadSampleError, match=r"expected a mask of class ids, got colours, .* and 20 more; ") as caught:
        frames.check()
    label_map = yaml.safe_load(str(caught.value).partition("label_map: ")[2].rstrip("."))
    mapped = CamVid(tmp_path, label_map=label_map)
    mapped.check()
    assert np.array_equal(mapped[0]["mask"], ids)


@pytest.mark.parametrize("bands", [1, 3])
def test_colours_of_16_bits_are_refused_and_not_cut_to_8(bands: int, tmp_path: Path) -> None:
    frames = CamVid(folder(tmp_path, [Image.fromarray(square())], TWO), label_map={"#000000": "lesion"})
    cv2.imwrite(str(frames.label_path("f0.png")), np.full((*SIZE, bands), 257, np.uint16))
    text = f"{frames.label_path('f0.png')}: expected a mask of colours with 8 bits per band, got 16 bits; convert it"
    with pytest.raises(BadSampleError, match=re.escape(text)):
        frames[0]


def test_one_coloured_mask_among_ids_is_named_without_a_map(tmp_path: Path) -> None:
    masks = [Image.fromarray(square()), painted(square(), {1: (9, 0, 0)}), Image.fromarray(square())]
    frames = CamVid(folder(tmp_path, masks, TWO))
    text = (
        f"{frames.label_path('f1.png')}: expected a mask of class ids, got colours, #000000 (83.3 %), "
        "#090000 (16.7 %); save the ids, as in the other 2 masks."
    )
    with pytest.raises(BadSampleError, match=re.escape(text)):
        frames.check()


def test_a_photograph_in_place_of_a_mask_is_told_from_colours_of_classes(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(256, size=(*SIZE, 3), dtype=np.uint8))
    with pytest.raises(BadSampleError, match="expected a mask of class ids, got an image of 384 colours; save the ids"):
        CamVid(folder(tmp_path, [noise], TWO)).check()
