"""Ids and colours of masks become class ids as a slow loop would map them; a map with a mistake is refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triptych.datasets.label_table import LabelTable
from triptych.datasets.mask_values import pack
from triptych.errors import BadSampleError

CODES = ["background", "Road", "RoadShoulder", "Car", "Void"]
FILE = Path("labels/x_P.png")


@pytest.mark.parametrize("seed", range(5))
def test_ids_are_mapped_as_by_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = rng.choice(65536 if seed % 2 else 256, size=7, replace=False).tolist()
    names = rng.choice([*CODES, "void", None], size=7).tolist()
    values = rng.choice([*keys, 255], size=(20, 30)).astype(np.uint16 if seed % 2 else np.uint8)
    label_map = dict(zip(keys, names, strict=True))
    slow = [[_slow_id(label_map.get(int(value))) for value in row] for row in values]
    mapped = LabelTable(label_map, CODES).class_ids(values, FILE)
    assert mapped.dtype == np.uint8
    assert mapped.tolist() == slow


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", ["hex", "decimal"])
def test_colours_are_mapped_as_by_a_loop(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colors = [tuple(color) for color in rng.integers(256, size=(9, 3)).tolist()]
    names = rng.choice([*CODES, "VOID", 255], size=9).tolist()
    names = [255 if name == "255" else name for name in names]
    text = {color: f"#{bytes(color).hex()}" if form == "hex" else ",".join(map(str, color)) for color in colors}
    drawn = rng.integers(9, size=(20, 30))
    drawn[5:15] = 4  # runs that go over rows
    values = np.array([pack((*color, 255)) for color in colors], dtype=np.uint32)[drawn]
    slow = [[_slow_id(names[i]) for i in row] for row in drawn]
    table = LabelTable({text[color]: name for color, name in zip(colors, names, strict=True)}, CODES)
    assert table.by_color
    assert table.class_ids(values, FILE).tolist() == slow


def _slow_id(name: Any) -> int:
    return 255 if name in (None, "None", 255) or name.lower() == "void" else CODES.index(name)


def test_without_a_map_ids_are_line_numbers_and_255_is_void() -> None:
    values = np.array([[0, 1, 2, 3, 4, 255]], dtype=np.uint8)
    assert LabelTable(None, CODES).class_ids(values, FILE).tolist() == [[0, 1, 2, 3, 4, 255]]


def test_a_map_may_give_255_a_class_and_numbers_as_text_are_ids() -> None:
    values = np.array([[0, 255]], dtype=np.uint8)
    assert LabelTable({"0": "Road", "255": "Car"}, CODES).class_ids(values, FILE).tolist() == [[1, 3]]


def test_a_transparent_colour_is_another_than_the_opaque_one() -> None:
    table = LabelTable({"#000000": "Road", "0,0,0,0": "Void", "#ff000080": "Car"}, CODES)
    values = np.array([[pack((0, 0, 0, 255)), pack((0, 0, 0, 0)), pack((255, 0, 0, 128))]], dtype=np.uint32)
    assert table.class_ids(values, FILE).tolist() == [[1, 255, 3]]


@pytest.mark.parametrize(
    ("label_map", "text"),
    [
        ({}, "expected ids or colours with class names, such as {0: background, 255: Void}"),
        ("Road", "expected ids or colours with class names, such as {0: background, 255: Void}"),
        ({0: "Raod"}, "expected the name of a class in codes.txt, or Void, for 0, got 'Raod'; the nearest is Road."),
        ({0: "Roa"}, "for 0, got 'Roa'; the nearest is Road."),
        ({0: "sky"}, "for 0, got 'sky'; the nearest are background, Road, RoadShoulder, Car, Void."),
        ({0: False}, "for 0, got False; the nearest are "),
        ({"804080": "Road"}, 'expected an id from 0 to 65535, or a colour in quotes, "128,64,128" or "#804080", got'),
        ({"#80408": "Road"}, "got '#80408'."),
        ({"128,64": "Road"}, "got '128,64'."),
        ({"128,64,256": "Road"}, "got '128,64,256'."),
        ({-1: "Road"}, "got -1."),
        ({65536: "Road"}, "got 65536."),
        ({(128, 64, 128): "Road"}, "got (128, 64, 128)."),
        ({True: "Road"}, "got True."),
        (
            {"#804080": "Road", "128, 64, 128": "Car"},
            "each id or colour once, got '#804080' and '128, 64, 128'; remove",
        ),
        ({7: "Road", "7": "Car"}, "expected each id or colour once, got 7 and '7'; remove one."),
        ({7: "Road", "#804080": "Car"}, "expected ids or colours, got both: 7, '#804080'."),
    ],
)
def test_a_map_with_a_mistake_is_refused_in_one_line(label_map: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^label_map: .*{re.escape(text)}") as caught:
        LabelTable(label_map, CODES)
    assert "\n" not in str(caught.value)


def test_an_id_without_a_class_is_named_with_what_the_mask_holds_and_a_map() -> None:
    text = (
        f"{FILE}: expected class ids 0 to 4 (codes.txt names 5 classes) or 255 for void, got id 9; it holds 0 "
        "(50.0 %), 2 (25.0 %), 9 (25.0 %); correct the mask, add the class to codes.txt, or set label_map: "
        "{0: background, 1: Road, 2: RoadShoulder, 3: Car, 4: Void, 9: CLASS} with the name of a class, or "
        "Void, for each CLASS."
    )
    with pytest.raises(BadSampleError, match=f"^{re.escape(text)}$"):
        LabelTable(None, CODES).class_ids(np.array([[0, 9], [2, 0]], dtype=np.uint8), FILE)


@pytest.mark.parametrize("label_map", [None, {0: "Road", 255: "Car"}])
def test_grey_levels_of_smoothed_edges_are_told_from_ids(label_map: Any) -> None:
    values = np.arange(0, 256, 3, dtype=np.uint8).reshape(2, -1)
    number = len({*values.ravel().tolist()} - ({*range(5), 255} if label_map is None else {0, 255}))
    text = re.escape(f"{FILE}: expected the ids of 5 classes, got {number} other ids; it holds 0 (1.2 %), ")
    with pytest.raises(BadSampleError, match=f"^{text}.* more; masks with smoothed edges, or resized ones, hold no"):
        LabelTable(label_map, CODES).class_ids(values, FILE)


def test_a_value_that_a_map_leaves_out_is_named_with_the_entry_to_add() -> None:
    text = (
        f"{FILE}: expected ids that label_map names, got id 7; it holds 3 (50.0 %), 7 (50.0 %); add 7: CLASS with the "
        "name of a class or Void, or correct the masks."
    )
    with pytest.raises(BadSampleError, match=f"^{re.escape(text)}$"):
        LabelTable({3: "Road"}, CODES).class_ids(np.array([[7, 3]], dtype=np.uint8), FILE)
    unmapped = np.full((2, 2), pack((1, 2, 3, 255)), dtype=np.uint32)
    with pytest.raises(
        BadSampleError, match=r'that label_map names, got colour #010203; .*; add "#010203": CLASS with'
    ):
        LabelTable({"#000000": "Road"}, CODES).class_ids(unmapped, FILE)
