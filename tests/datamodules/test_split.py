"""Ways to hold samples out: draws, groups and the values of a column."""

import random
import re
from typing import Any

import numpy as np
import pytest

from triptych.datamodules.split import by_values, chosen_way, draw, groups_of, named_groups
from triptych.errors import BadSampleError


@pytest.mark.parametrize("seed", range(5))
def test_a_draw_is_the_first_of_a_permutation_in_the_order_of_the_names(seed: int) -> None:
    names = [f"t{number}" for number in range(31)]
    expected = sorted(np.random.default_rng(seed).permutation(31)[:6].tolist())
    assert draw(names, 0.2, seed) == [f"t{number}" for number in expected]


@pytest.mark.parametrize(("count", "fraction", "drawn"), [(2, 0.2, 1), (2, 0.99, 1), (3, 0.01, 1), (3, 0.9, 2)])
def test_one_sample_is_held_out_and_one_is_left(count: int, fraction: float, drawn: int) -> None:
    assert len(draw([str(number) for number in range(count)], fraction, seed=0)) == drawn


def test_whole_groups_are_drawn_until_the_fraction_is_met() -> None:
    shuffled = random.Random(0)
    for seed in range(30):
        sizes = [shuffled.randint(1, 9) for _ in range(shuffled.randint(2, 12))]
        names = [f"{group}/{number}" for group, size in enumerate(sizes) for number in range(size)]
        group_of, fraction = groups_of(names, "^[^/]+"), shuffled.uniform(0.05, 0.95)
        drawn = draw(names, fraction, seed, group_of)
        held_out, left = {group_of[name] for name in drawn}, {group_of[name] for name in {*names} - {*drawn}}
        assert held_out and left and not held_out & left
        largest = max(sizes[int(group)] for group in held_out)
        assert len(drawn) - largest < fraction * len(names) + 0.5, "a group too many"
        assert len(drawn) >= round(fraction * len(names)) or len(left) == 1
        assert drawn == draw(names, fraction, seed, group_of) == [name for name in names if name in {*drawn}]
    assert len({tuple(draw(names, 0.3, seed, group_of)) for seed in range(9)}) > 1


@pytest.mark.parametrize(("group_of", "what"), [(None, "samples"), ({"a": "1"}, "groups")])
def test_a_single_one_cannot_be_split(group_of: Any, what: str) -> None:
    text = f"valid_fraction: expected at least 2 {what} to hold one out, got 1."
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        draw(["a"], 0.2, 0, group_of)


@pytest.mark.parametrize(
    ("pattern", "group"), [("^([^_/]+)_", "0006R0"), ("0006R.", "0006R0"), (r"_(f\d\d)(\d+)", "f00"), ("_(x)?", "")]
)
def test_a_group_is_the_first_capture_or_else_the_whole_match(pattern: str, group: str) -> None:
    assert groups_of(["0006R0_f00930.png"], pattern) == {"0006R0_f00930.png": group}


def test_names_without_a_group_are_counted() -> None:
    with pytest.raises(ValueError, match=re.escape("group: '^a' does not match 2 of 3 names; the first is b.")):
        groups_of(["a", "b", "c"], "^a")


def test_groups_are_named_by_name_or_by_number() -> None:
    assert named_groups("valid_groups", ["3", "b", "03"], ["03", "b", "4"], "DIR") == ["03", "b"]
    with pytest.raises(ValueError, match=r"^valid_groups: DIR has no 'x', '5'; there are 03, b, 4\.$"):
        named_groups("valid_groups", ["x", "5", "b"], ["03", "b", "4"], "DIR")
    with pytest.raises(ValueError, match=r"there are g0, .*, g29 and 70 more\.$"):
        named_groups("valid_groups", ["x"], [f"g{number}" for number in range(100)], "DIR")


@pytest.mark.parametrize(
    ("train", "val"),
    [("False", "True"), ("0", "1"), ("0.0", "1.0"), ("no", " YES "), ("train", "valid"), ("Training", "Validation")],
)
def test_a_column_splits_by_words_of_several_kinds(train: str, val: str) -> None:
    assert by_values({"a": train, "b": val, "c": " test", "d": val}, "is_valid", "t.csv")[::2] == (["b", "d"], ["c"])


@pytest.mark.parametrize("value", ["", "maybe", "2", "-1"])
def test_another_value_is_refused_with_its_sample(value: str) -> None:
    text = f"t.csv: expected true or false, .* in column 'is_valid', got {value!r} for b\\.$"
    with pytest.raises(BadSampleError, match=text):
        by_values({"a": "0", "b": value}, "is_valid", "t.csv")


def test_what_is_given_goes_before_the_default_and_two_are_refused() -> None:
    lesson = {"valid_list": "valid.txt"}
    nothing = {"valid_list": "valid.txt", "valid_fraction": None, "valid_groups": None}
    assert chosen_way(nothing, lesson) == chosen_way({**nothing, "valid_list": None}, lesson) == "valid_list"
    assert chosen_way({**nothing, "valid_groups": ["a"]}, lesson) == "valid_groups"
    with pytest.raises(ValueError, match=r"^valid_list, valid_fraction: expected one way to split, got 2; remove the"):
        chosen_way({**nothing, "valid_list": "a.txt", "valid_fraction": 0.2}, lesson)
