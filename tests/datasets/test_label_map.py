"""The `label_map` that is suggested for what masks hold, and its form as YAML."""

import random

import pytest
import yaml

from triptych.datasets.camvid_classes import OFFICIAL_COLORS, OFFICIAL_NAMES, SEGNET_MERGE, SEGNET_NAMES
from triptych.datasets.label_map import label_map_line, map_advice, suggest_label_map, voc_color

TWO, THREE, FOUR = ["background", "lesion"], ["a", "b", "c"], ["a", "b", "c", "Void"]


@pytest.mark.parametrize(
    ("found", "names", "suggested"),
    [
        ([0, 255], TWO, {0: "background", 255: "lesion"}),
        ([0, 255], [*TWO, "void"], {0: "background", 255: "lesion"}),
        ([0, 255], ["Void", "lesion"], {0: "Void", 255: "lesion"}),
        ([0, 15], TWO, {0: "background", 15: "lesion"}),
        ([0, 65535], TWO, {0: "background", 65535: "lesion"}),
        ([0, 1, 65535], TWO, {0: "background", 1: "lesion", 65535: "Void"}),
        ([5, 0, 2], THREE, {0: "a", 2: "b", 5: "c"}),
        ([0, 2, 5, 255], THREE, {0: "a", 2: "b", 5: "c"}),
        ([0, 2, 5, 9], FOUR, {0: "a", 2: "b", 5: "c", 9: "Void"}),
        ([0, 127, 255], THREE, {0: "a", 127: "b", 255: "c"}),
        ([0, 85, 170, 255], [*THREE, "d"], {0: "a", 85: "b", 170: "c", 255: "d"}),
        ([1, 2, 3], THREE, {1: "a", 2: "b", 3: "c"}),
        ([0, 1, 3], [*THREE], {0: "a", 1: "b", 3: "c"}),
        ([0, 1, 2, 3], THREE, {0: "Void", 1: "a", 2: "b", 3: "c"}),
    ],
)
def test_ids_in_the_order_of_the_classes_are_mapped(found: list[int], names: list[str], suggested: object) -> None:
    assert suggest_label_map(found, names) == suggested


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ([0, 1], TWO),
        ([0, 1, 255], TWO),
        ([0, 255], THREE),
        ([0, 255], ["background", "Void"]),
        ([0, 3], THREE),
        ([255], TWO),
        ([7], TWO),
        ([0, 1, 9, 12], THREE),
        ([0], []),
    ],
)
def test_ids_that_need_no_map_or_have_no_clear_one_get_none(found: list[int], names: list[str]) -> None:
    assert suggest_label_map(found, names) is None


def test_camvids_colours_are_mapped_in_full_by_their_names() -> None:
    hexed = {f"#{bytes(color).hex()}": name for name, color in OFFICIAL_COLORS.items()}
    assert suggest_label_map(["#804080", "#000000"], OFFICIAL_NAMES) == hexed
    merged = {member: name for name, members in SEGNET_MERGE.items() for member in members} | {"Void": "Void"}
    assert suggest_label_map(["#804080"], SEGNET_NAMES) == {color: merged[name] for color, name in hexed.items()}


def test_the_palette_of_voc_is_the_published_one_and_mapped_by_position() -> None:
    # VOC's own VOClabelcolormap: background, aeroplane, bicycle, ..., tvmonitor, and the border
    published = {0: "#000000", 1: "#800000", 2: "#008000", 8: "#400000", 20: "#004080", 255: "#e0e0c0"}
    assert {i: voc_color(i) for i in published} == published
    suggested = {"#000000": "background", "#800000": "lesion", "#e0e0c0": "Void"}
    assert suggest_label_map(["#e0e0c0", "#800000", "#000000"], TWO) == suggested


def test_grey_colours_are_ids_and_black_and_white_two_classes() -> None:
    assert suggest_label_map(["#000000", "#ffffff"], TWO) == {"#000000": "background", "#ffffff": "lesion"}
    assert suggest_label_map(["#000000", "#0f0f0f"], TWO) == {"#000000": "background", "#0f0f0f": "lesion"}
    assert suggest_label_map(["#020202", "#000000"], THREE) == (
        {"#000000": "a", "#010101": "b", "#020202": "c", "#ffffff": "Void"}
    )


def test_colours_without_known_names_are_listed_to_be_filled_in() -> None:
    assert suggest_label_map(["#00a000", "#dc0000"], TWO) is None
    assert map_advice(["#00a000", "#dc0000"], TWO) == (
        'label_map: {"#00a000": CLASS, "#dc0000": CLASS} with the name of a class, or Void, for each CLASS'
    )
    assert map_advice([0, 1, 9, 12, 255], THREE) == (
        "label_map: {0: a, 1: b, 2: c, 9: CLASS, 12: CLASS} with the name of a class, or Void, for each CLASS"
    )


def test_the_line_is_yaml_of_the_same_map_whatever_the_names() -> None:
    words = [
        "no",
        "null",
        "~",
        "1e3",
        "12",
        "a: b",
        "#x",
        "{stem}",
        "Straße",
        "Äcker",
        "it's",
        'a "b"',
        "a,b",
        "- c",
        "",
    ]
    rng = random.Random(0)
    for _ in range(200):
        keys: list[int | str] = rng.sample(range(65536), 3)
        if rng.random() < 0.5:
            keys = [f"#{rng.randrange(2**24):06x}" for _ in range(3)]
        label_map = {key: rng.choice([*words, None, "Road", "Column_Pole", "traffic light"]) for key in keys}
        line = label_map_line(label_map)
        assert "\n" not in line
        assert yaml.safe_load(line) == label_map


def test_what_maps_write_for_no_data_becomes_void_whether_or_not_all_classes_occur() -> None:
    assert suggest_label_map([0, 2, 65535], ["a", "b", "c"]) == {0: "a", 1: "b", 2: "c", 65535: "Void"}
