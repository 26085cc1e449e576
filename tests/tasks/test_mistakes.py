"""What is wrong with a prediction, against the slow way to find out."""

import math
from collections import Counter

import pytest
import torch

from triptych.tasks.mistakes import missed_points, most_confused, wrong_pixels, wrong_tags

NAMES = ["Road", "Car", "Void", "Sky"]


@pytest.mark.parametrize("ignore_index", [None, 2, 255])
@pytest.mark.parametrize("seed", range(5))
def test_the_most_confused_pair_is_the_one_that_counting_pixel_by_pixel_finds(ignore_index, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    ids, target = (torch.randint(4, (9, 11), generator=generator) for _ in range(2))
    if ignore_index == 255:
        target[:3] = 255
    pairs = Counter(
        (true, predicted)
        for true, predicted in zip(target.flatten().tolist(), ids.flatten().tolist(), strict=True)
        if true not in (ignore_index, predicted)
    )
    worst = most_confused(ids, target, 4, ignore_index)
    assert worst is not None
    assert pairs[worst.true, worst.taken_for] == worst.pixels == max(pairs.values())


def test_the_percentage_is_of_the_whole_frame_void_included() -> None:
    target = torch.zeros(10, 10, dtype=torch.int64)
    target[:5] = 2
    ids = target.clone()
    ids[5:7, :6] = 3
    ids[:5] = 1  # on void, which does not count
    assert wrong_pixels(ids, target, NAMES, 2) == "Road taken for Sky, 12 % of the frame"
    ids[5:] = 0
    assert wrong_pixels(ids, target, NAMES, 2) == "nothing wrong"


def test_a_wrong_pixel_or_two_are_less_than_a_percent() -> None:
    target = torch.zeros(30, 30, dtype=torch.int64)
    ids = target.clone()
    ids[0, 0] = 1
    assert wrong_pixels(ids, target, NAMES, None) == "Road taken for Car, less than 1 % of the frame"


def test_the_miss_is_in_pixels_of_the_original_frame() -> None:
    target, preds = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.25, -0.5]])
    size = torch.tensor([480, 640])
    assert missed_points(preds, target, size, ["nose"]) == f"{math.hypot(0.25 * 240, 0.5 * 320):.1f} px off"


def test_of_several_points_the_worst_and_the_mean_are_reported() -> None:
    target = torch.zeros(2, 2)
    preds = torch.tensor([[0.1, 0.0], [0.0, 0.4]])
    names, size = ["nose", "ear"], torch.tensor([100, 100])
    assert missed_points(preds, target, size, names) == "ear 20.0 px off, 12.5 px on average"


def test_missing_points_are_no_mistakes() -> None:
    missing, names, size = torch.nan, ["nose", "ear", "eye"], torch.tensor([100, 100])
    preds = torch.tensor([[0.1, 0.0], [0.0, 0.4], [0.2, 0.0]])
    target = torch.tensor([[0.0, 0.0], [missing, missing], [0.0, 0.0]])
    assert missed_points(preds, target, size, names) == "eye 10.0 px off, 7.5 px on average"
    assert missed_points(preds, target * missing, size, names) == "no point is known"


@pytest.mark.parametrize(
    ("preds", "target", "text"),
    [
        ([1, 0, 1, 0], [0, 1, 1, 1], "false negatives: Car, Sky; false positives: Road"),
        ([1, 0, 0, 0], [1, 1, 0, 0], "false negatives: Car"),
        ([1, 1, 0, 0], [1, 0, 0, 0], "false positives: Car"),
        ([0, 1, 0, 0], [0, 1, 0, 0], "nothing wrong"),
    ],
)
def test_false_negatives_and_false_positives_are_named(preds, target, text) -> None:
    assert wrong_tags(torch.tensor(preds) > 0, torch.tensor(target) > 0, NAMES) == text
