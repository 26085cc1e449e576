"""Which image is a frame and which file its mask, in one folder or two, and what helps if there is none."""

import re
import unicodedata
from pathlib import Path

import pytest
from mask_files import folder, square
from PIL import Image

from triptych.datasets.camvid import CamVid
from triptych.errors import MissingDataError

CODES = ["background", "leaf"]


def three(root: Path, frame: str = "images/{}.png", mask: str = "labels/{}_P.png") -> Path:
    """A folder of three frames and masks with these names."""
    folder(root, [Image.fromarray(square())] * 3, CODES)
    for stem in ("f0", "f1", "f2"):
        for now, then in ((f"images/{stem}.png", frame), (f"labels/{stem}_P.png", mask)):
            (root / then.format(stem)).parent.mkdir(exist_ok=True)
            (root / now).rename(root / then.format(stem))
    return root


@pytest.mark.parametrize(
    ("frame", "mask", "label_name"),
    [
        ("images/{}.jpg", "images/{}.png", "{stem}.png"),
        ("images/{}.png", "images/{}_P.png", "{stem}_P{suffix}"),
        ("images/{}_sat.png", "images/{}_mask.png", "{stem:-_sat}_mask.png"),
        ("images/{}.png", "images/m/{}.png", "m/{stem}.png"),
    ],
)
def test_a_mask_beside_its_frame_is_no_frame(frame: str, mask: str, label_name: str, tmp_path: Path) -> None:
    frames = CamVid(three(tmp_path, frame, mask), label_dir="images", label_name=label_name)
    assert [f"images/{name}" for name in frames.names] == [frame.format(f"f{number}") for number in range(3)]
    frames.check()
    assert [int(frames[number]["mask"].sum()) for number in range(3)] == [64, 64, 64]


def test_an_image_that_would_be_its_own_mask_is_refused(tmp_path: Path) -> None:
    text = (
        f"{tmp_path}/images: expected masks beside the frames, but by label_name '{{stem}}.png' each image is its own "
    )
    with pytest.raises(MissingDataError, match="^" + re.escape(text)):
        CamVid(three(tmp_path), label_dir="images", label_name="{stem}.png")


def test_a_mask_may_differ_from_its_frame_in_unicode_and_in_case_of_suffix(tmp_path: Path) -> None:
    frames = CamVid(three(tmp_path, unicodedata.normalize("NFD", "images/\u00e4{}.png"), "labels/\u00e4{}_P.PNG"))
    frames.check()
    assert frames.label_path(frames.names[0]) == tmp_path / "labels" / "\u00e4f0_P.PNG"
    assert int(frames[2]["mask"].sum()) == 64


@pytest.mark.parametrize(
    ("mask", "advice"),
    [
        ("labels/{}_mask.png", 'set label_name: "{{stem}}_mask.png".'),
        ("labels/mask-{}.tif", 'set label_name: "mask-{{stem}}.tif".'),
        ("labels/m{}.json", "export masks as PNG, of class ids: 3 .json in {root}/labels."),
        ("labels/{}.json", "export masks as PNG, of class ids: 3 .json in {root}/labels."),
        ("labels/other{}.png/x.png", "masks are found by the names of their frames, but there is otherf0.png/x.png; "),
    ],
)
def test_what_helps_against_missing_masks_is_said(mask: str, advice: str, tmp_path: Path) -> None:
    text = f"(expected {tmp_path}/labels/f0_P.png); {advice.format(root=tmp_path)}"
    with pytest.raises(MissingDataError, match=re.escape(text)):
        CamVid(three(tmp_path, mask=mask)).check()
