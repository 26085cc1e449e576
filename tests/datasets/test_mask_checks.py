"""A look at a sample of masks tells what would be wrong in training."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mask_files import folder, indexed, painted, square
from PIL import Image

from triptych.datasets.camvid import CamVid
from triptych.datasets.mask_checks import check_masks
from triptych.errors import BadSampleError

TWO = ["background", "lesion"]
RED, GREEN = (220, 0, 0), (0, 160, 0)


def checked(
    root: Path, masks: Sequence[Any], codes: Sequence[str], split: str = "train", **arguments: Any
) -> list[str]:
    """What is doubtful in a folder of masks, all of one split."""
    images = [Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask for mask in masks]
    frames = CamVid(folder(root, images, codes), **arguments)
    frames.check()
    return check_masks({split: frames}, seed=0)


def refused(text: str, *arguments: Any, **more: Any) -> None:
    with pytest.raises(BadSampleError, match=f"^{re.escape(text)}") as caught:
        checked(*arguments, **more)
    assert "\n" not in str(caught.value)


def test_masks_in_order_raise_no_doubt(tmp_path: Path) -> None:
    masks = [square(), square(1, 0), square(255, 1), square(255, 255)]
    assert checked(tmp_path, masks, TWO) == []


def test_black_and_white_for_two_classes_is_refused_with_both_maps(tmp_path: Path) -> None:
    refused(
        "camvid: 3 checked masks hold 0 (83.3 %), 255 (16.7 %) alone, and 255 is void, so no pixel is lesion; set "
        "label_map: {0: background, 255: lesion}, or {0: background, 1: lesion} if 255 is void all the same.",
        *(tmp_path, [square(0, 255)] * 3, TWO),
    )
    assert checked(tmp_path / "white", [square(0, 255)] * 3, TWO, label_map={0: TWO[0], 255: TWO[1]}) == []


def test_a_border_of_255_is_no_class_if_both_classes_occur_or_a_map_says_so(tmp_path: Path) -> None:
    border = square()
    border[4] = 255
    assert checked(tmp_path / "border", [border, square()], TWO) == []
    (doubt,) = checked(tmp_path / "said", [square(0, 255)] * 2, TWO, label_map={0: TWO[0], 1: TWO[1]})
    assert doubt == (
        "camvid: 2 checked masks hold one class alone, background, of 2: 0 (83.3 %), 255 (16.7 %); if there should be "
        "more, see what the masks hold, and whether codes.txt and label_map name it."
    )


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ((0, 15), "{0: background, 15: lesion}"),
        ((1, 2), "{1: background, 2: lesion}"),
        ((0, 300), "{0: background, "),
    ],
)
def test_ids_beyond_the_classes_are_listed_over_all_checked_masks(
    values: tuple[int, int], advice: str, tmp_path: Path
) -> None:
    one, other = values
    masks = [square(one, one, np.uint16), square(one, other, np.uint16), square(one, one, np.uint16)]
    with pytest.raises(BadSampleError) as caught:
        checked(tmp_path, masks, TWO)
    assert str(caught.value).startswith(
        f"{tmp_path}/labels/f1_P.png: expected class ids 0 to 1 (codes.txt names 2 classes) or 255 for void, got id "
        f"{other}; 3 checked masks hold {one} (94.4 %), {other} (5.6 %); "
    )
    assert f"or set label_map: {advice}" in str(caught.value)


def test_a_colour_without_a_class_is_named_with_its_fraction(tmp_path: Path) -> None:
    mask = painted(square(0, 1), {0: RED, 1: GREEN})
    refused(
        f"{tmp_path}/labels/f0_P.png: expected colours that label_map names, got colour #00a000; 1 checked mask holds "
        '#00a000 (16.7 %), #dc0000 (83.3 %); add "#00a000": CLASS with the name of a class or Void, or correct the ',
        *(tmp_path, [mask], TWO),
        label_map={"#dc0000": "lesion"},
    )


def test_palettes_that_differ_in_a_used_id_are_refused_and_their_colours_can_be_mapped(tmp_path: Path) -> None:
    masks = [indexed(square(), [(0, 0, 0), color]) for color in (RED, GREEN)]
    frames = CamVid(folder(tmp_path, masks, ["ground", "grass", "lesion"]))
    with pytest.raises(BadSampleError) as caught:
        check_masks({"train": frames}, seed=0)
    first, second = sorted(tmp_path.glob("labels/*"), key=lambda path: str(caught.value).index(path.name))
    here, there = ("#dc0000", "#00a000") if first.name == "f0_P.png" else ("#00a000", "#dc0000")
    assert str(caught.value) == (
        f"{first}: expected the palette of {second}, but id 1 is the colour {here} here and {there} there, so an id is "
        f'no class; save all masks with one palette, or map colours with label_map: {{"{there}": CLASS, ...}}.'
    )
    label_map = {"0,0,0": "ground", "0,160,0": "grass", "220,0,0": "lesion"}
    mapped = CamVid(tmp_path, label_map=label_map)
    assert check_masks({"train": mapped}, seed=0) == []
    assert [np.unique(mapped[index]["mask"]).tolist() for index in range(2)] == [[0, 2], [0, 1]]


def test_palettes_may_differ_in_length_and_in_ids_that_are_not_used(tmp_path: Path) -> None:
    palettes = [[(0, 0, 0), RED], [(0, 0, 0), RED, GREEN], [(0, 0, 0), RED, (9, 9, 9)]]
    assert checked(tmp_path, [indexed(square(), palette) for palette in palettes], TWO) == []


def test_masks_of_1_bit_beside_grey_ones_with_255_are_refused(tmp_path: Path) -> None:
    masks = [Image.fromarray(square().astype(bool)), square(0, 255), square()]
    refused(
        f"{tmp_path}/labels/f0_P.png: expected masks of one bit depth, got 1 bit here and 8 bits with id 255 in "
        f"{tmp_path}/labels/f1_P.png, where 1 and 255 may be the same class; save them with 8 bits, or set a "
        "label_map.",
        *(tmp_path, masks, TWO),
    )
    assert checked(tmp_path / "alike", [masks[0], masks[2]], TWO) == []
    label_map = {0: "background", 1: "lesion", 255: "lesion"}
    assert checked(tmp_path / "mapped", masks, TWO, label_map=label_map) == []


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("val", "validation"), ("test", "test")])
def test_a_split_of_void_alone_is_refused(split: str, word: str, tmp_path: Path) -> None:
    refused(
        f"camvid: no {word} pixel is labelled: 2 of 2 masks hold void alone, 2 (91.7 %), 255 (8.3 %); the first is "
        f"{tmp_path}/labels/f",
        *(tmp_path, [square(2, 2), square(2, 255)], ["a", "b", "Void"], split),
    )


def test_a_split_is_read_to_its_end_before_it_is_called_void(tmp_path: Path) -> None:
    void, label = Image.fromarray(square(2, 2)), Image.fromarray(square(2, 1))
    frames = CamVid(folder(tmp_path, [void] * 40, ["a", "b", "Void"]))
    for name in frames.names:  # wherever the only label is, whether it is in the sample or not
        label.save(frames.label_path(name))
        check_masks({"train": frames}, seed=0)
        void.save(frames.label_path(name))


def test_a_prediction_needs_no_labels(tmp_path: Path) -> None:
    assert checked(tmp_path, [square(2, 2)], ["a", "b", "Void"], split="predict") == []


def test_each_split_is_judged_alone_for_labels_but_ids_are_judged_together(tmp_path: Path) -> None:
    frames = CamVid(folder(tmp_path, [Image.fromarray(one) for one in (square(), square(0, 255))], TWO))
    splits = {}
    for split, name in {"train": "f0.png", "val": "f1.png"}.items():
        splits[split] = CamVid(tmp_path, [name])
    assert check_masks(splits, seed=0) == [
        f"camvid: 1 of 2 checked masks hold 0 and 255 alone, others 1; the first is {tmp_path}/labels/f1_P.png; 255 is "
        "void: if it is lesion there, save these masks with 1."
    ]
    assert len(frames) == 2


@pytest.mark.parametrize("codes", [["leaf", "Void"], ["leaf", "stem", "root", "Void"]])
def test_one_class_alone_is_doubted_where_it_is_trained_or_scored(codes: list[str], tmp_path: Path) -> None:
    number = sum(code != "Void" for code in codes)
    for split in ("train", "val", "test"):
        (doubt,) = checked(tmp_path / split, [square(0, 255)] * 2, codes, split)
        assert doubt.startswith(
            f"camvid: 2 checked masks hold one class alone, leaf, of {number}: 0 (83.3 %), 255 (16.7"
        )
    assert checked(tmp_path / "predict", [square(0, 255)] * 2, codes, "predict") == []


def test_only_a_sample_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = CamVid(folder(tmp_path, [Image.fromarray(square())] * 50, TWO))
    read: list[Path] = []
    original = frames.table.read
    monkeypatch.setattr(frames.table, "read", lambda path, oriented: (read.append(path), original(path, oriented))[1])
    check_masks({"train": frames}, seed=0)
    assert len(read) == len(set(read)) == 32
    monkeypatch.setattr("triptych.datasets.mask_checks._PIXELS", 384 * 3)
    first, read[:] = read[:3], []
    check_masks({"train": frames}, seed=0)
    assert read == first
