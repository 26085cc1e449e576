"""Rare is what has less than a quarter of an even share of the labelled pixels."""

import numpy as np
import pytest

from triptych.datasets.rare_classes import rare_classes

CAMVID = [1276, 2727, 84, 3209, 661, 902, 91, 204, 385, 74, 96, 0]
"""Pixels of a drive by class, in ten thousandths: sky, building, pole, road, pavement, tree, sign, fence, car ..."""


def test_of_a_street_poles_signs_fences_people_and_cyclists_are_rare() -> None:
    assert rare_classes(CAMVID) == [2, 6, 7, 9, 10]


@pytest.mark.parametrize(("counts", "rare"), [([7, 1], []), ([8, 1], [1]), ([5], []), ([0, 0], []), ([], [])])
def test_a_quarter_of_an_even_share_is_the_limit(counts: list[int], rare: list[int]) -> None:
    assert rare_classes(counts) == rare


@pytest.mark.parametrize("seed", range(5))
def test_neither_the_number_of_pixels_nor_classes_without_any_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = (1e6 * rng.dirichlet(np.full(8, 0.3))).astype(int).tolist()
    rare = rare_classes(counts)
    assert rare_classes([1000 * count for count in counts]) == rare
    assert rare_classes([0, *counts, 0]) == [index + 1 for index in rare]
