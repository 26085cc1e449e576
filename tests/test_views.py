"""What `tta` may say, and which views it stands for."""

import re

import pytest

from triptych.views import View, mirrored_order, pairs_for, views_of


def test_flip_is_the_image_and_its_mirror_image_and_dihedral_has_eight_different_views() -> None:
    assert views_of("flip") == [View(), View(mirrored=True)]
    assert len({*views_of("dihedral")}) == 8
    assert [view.is_reflection for view in views_of("dihedral")].count(True) == 4


def test_scales_go_with_each_symmetry() -> None:
    both = views_of({"symmetry": "flip", "scales": [0.75, 1]})
    assert [(view.mirrored, view.scale) for view in both] == [(False, 0.75), (True, 0.75), (False, 1), (True, 1)]
    assert views_of({"scales": [0.5]}) == [View(scale=0.5)]
    assert views_of(None) == []


def test_a_view_of_any_image_has_a_pixel() -> None:
    assert View(scale=0.75).size_of(361, 480) == (271, 360)
    assert View(scale=0.5).size_of(1, 1) == (1, 1)


@pytest.mark.parametrize(
    ("choice", "got"),
    [
        ("mirror", "'mirror'"),
        ({"symmetry": "mirror"}, "'mirror'"),
        ({"flip": True}, "{'flip': True}"),
        ({}, "{}"),
        (["flip"], "['flip']"),
    ],
)
def test_an_unknown_choice_is_one_line(choice, got: str) -> None:
    expected = (
        f"tta: expected flip, dihedral, or a mapping such as {{symmetry: flip, scales: [0.75, 1, 1.25]}}, got {got}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        views_of(choice)


@pytest.mark.parametrize(("scales", "got"), [([1, 0], "0"), ([-1.0], "-1.0"), ([4], "4"), ([], r"\[\]"), ("1", "'1'")])
def test_a_scale_out_of_its_range_is_one_line(scales, got: str) -> None:
    with pytest.raises(ValueError, match=rf"^tta: scales: expected a list of numbers in \[0.5, 2\], .* got {got}\.$"):
        views_of({"scales": scales})


def test_points_of_a_pair_change_places() -> None:
    assert mirrored_order(5, [[0, 1], [4, 3]]) == [1, 0, 2, 4, 3]


def test_pairs_are_needed_where_a_view_mirrors_several_points() -> None:
    assert pairs_for(views_of("flip"), [[0, 1]], ["left", "right"]) == [[0, 1]]
    assert pairs_for(views_of("flip"), None, ["nose"]) == pairs_for([View(scale=2)], None, ["left", "right"]) == ()
    with pytest.raises(ValueError, match=r"^tta: expected flip_pairs, which say what of left, right change places "):
        pairs_for(views_of("flip"), None, ["left", "right"])
    with pytest.raises(ValueError, match=r"^flip_pairs: expected pairs of two indices below 2, got \[0, 2\]\.$"):
        pairs_for(views_of("flip"), [[0, 2]], ["left", "right"])
