"""The table of official classes, its merge into SegNet's 11, and the colours."""

import numpy as np
import pytest

from triptych.datasets.camvid import merge_codes
from triptych.datasets.camvid_classes import (
    OFFICIAL_COLORS,
    OFFICIAL_NAMES,
    SEGNET_MERGE,
    SEGNET_NAMES,
    VOID,
    class_colors,
)

# fmt: off
COURSE_CODES = [
    "Animal", "Archway", "Bicyclist", "Bridge", "Building", "Car", "CartLuggagePram", "Child", "Column_Pole", "Fence",
    "LaneMkgsDriv", "LaneMkgsNonDriv", "Misc_Text", "MotorcycleScooter", "OtherMoving", "ParkingBlock", "Pedestrian",
    "Road", "RoadShoulder", "Sidewalk", "SignSymbol", "Sky", "SUVPickupTruck", "TrafficCone", "TrafficLight", "Train",
    "Tree", "Truck_Bus", "Tunnel", "VegetationMisc", "Void", "Wall",
]
# fmt: on


def test_official_names_are_the_courses_codes_in_their_order_with_void_at_30() -> None:
    assert list(OFFICIAL_NAMES) == COURSE_CODES
    assert (len(OFFICIAL_NAMES), OFFICIAL_NAMES.index("Void")) == (32, 30)


def test_official_colours_are_distinct_and_only_void_is_black() -> None:
    assert len(set(OFFICIAL_COLORS.values())) == 32
    assert [name for name, color in OFFICIAL_COLORS.items() if color == (0, 0, 0)] == [VOID]


def test_each_official_class_but_void_lies_in_exactly_one_of_the_eleven() -> None:
    members = [member for group in SEGNET_MERGE.values() for member in group]
    assert sorted(members) == sorted(set(OFFICIAL_NAMES) - {VOID})
    assert " ".join(SEGNET_NAMES) == (
        "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist Void"
    )


def test_merged_mask_equals_a_dictionary_loop() -> None:
    merged_name = {member: name for name, group in SEGNET_MERGE.items() for member in group} | {VOID: VOID}
    names, table = merge_codes(COURSE_CODES, "11")
    mask = np.random.default_rng(0).integers(32, size=(20, 30), dtype=np.uint8)
    looped = [[names.index(merged_name[COURSE_CODES[pixel]]) for pixel in row] for row in mask]
    assert table.dtype == np.uint8
    assert table[mask].tolist() == looped
    assert set(np.unique(table[mask])) == set(range(12))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_merge_keeps_each_name_of_a_folder_with_segnets_own_codes_in_any_order(seed: int) -> None:
    codes = np.random.default_rng(seed).permutation(SEGNET_NAMES).tolist()
    names, table = merge_codes(codes, "11")
    assert names == list(SEGNET_NAMES)
    assert [names[table[file_id]] for file_id in range(len(codes))] == codes


def test_all_classes_keep_the_files_ids() -> None:
    names, table = merge_codes(["cat", "dog"], "all")
    assert names == ["cat", "dog"]
    assert table.tolist() == list(range(256))


def test_merge_refuses_codes_that_are_not_official_and_unknown_choices() -> None:
    with pytest.raises(ValueError, match=r"\"11\" merges CamVid's official 32 classes, but codes\.txt names 'cat'"):
        merge_codes(["Sky", "cat", "Void"], "11")
    with pytest.raises(ValueError, match=r'classes: expected "all" or "11", got \'12\'\.'):
        merge_codes(COURSE_CODES, "12")


def test_colours_go_by_name_whatever_case_and_order() -> None:
    colors = class_colors(["void", "Sky", "CAR"])
    assert colors.dtype == np.uint8
    assert colors.tolist() == [[0, 0, 0], [128, 128, 128], [64, 0, 128]]


def test_a_segnet_class_looks_like_its_first_member() -> None:
    first = [OFFICIAL_COLORS[group[0]] for group in SEGNET_MERGE.values()] + [(0, 0, 0)]
    assert class_colors(SEGNET_NAMES).tolist() == [list(color) for color in first]


def test_names_of_no_table_get_distinct_colours_none_of_them_black() -> None:
    colors = class_colors([f"thing{position}" for position in range(64)])
    assert len(np.unique(colors, axis=0)) == 64
    assert colors.max(axis=1).min() > 100
