"""The figure of a range test shows the curve and all that was suggested, and nothing is cut."""

import math

import numpy as np
import pytest

from triptych.lr_finder import RULES, LRSearch, read_curve
from triptych.lr_finder.figure import lr_curve
from triptych.lr_finder.rules import RACE


@pytest.fixture
def search() -> LRSearch:
    """Falls from 2 to 0.6, then diverges to some hundreds."""
    x = np.linspace(-7, 0.5, 90)
    noise = 0.05 * np.random.default_rng(0).normal(size=90)
    losses = 2 - 1.4 / (1 + np.exp(-4 * (x + 3))) + np.exp(4 * np.maximum(x + 1, -3)) + noise
    return read_curve((10**x).tolist(), losses.tolist())


def test_each_rule_has_its_own_mark_on_the_curve_and_its_rate_in_the_legend(search: LRSearch) -> None:
    figure = search.figure()
    _, smoothed, *marks = figure.axes[0].lines
    assert [mark.get_xdata()[0] for mark in marks] == list(search.suggestions.values())
    assert all(mark.get_ydata()[0] == search.smoothed_at(mark.get_xdata()[0]) for mark in marks)
    assert len({(mark.get_color(), mark.get_marker()) for mark in marks}) == 5
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert f"{search.rule} {search.rate:.1e} (used)" in legend and len(legend) == 7
    assert figure.axes[0].get_title() == search.verdict
    assert list(smoothed.get_ydata()) == search.smoothed


def test_the_divergence_does_not_flatten_the_curve(search: LRSearch) -> None:
    low, high = search.figure().axes[0].get_ylim()
    assert max(search.losses) > 100
    assert low < min(search.smoothed) and 2 < high < 4


def test_no_text_is_cut_or_lies_over_the_curve(search: LRSearch) -> None:
    figure = search.figure()
    figure.draw_without_rendering()
    sheet, axes, legend = figure.bbox, figure.axes[0], figure.legends[0].get_window_extent()
    for box in (axes.get_tightbbox(), legend):
        assert sheet.x0 <= box.x0 and box.x1 <= sheet.x1 and sheet.y0 <= box.y0 and box.y1 <= sheet.y1
    assert legend.x0 >= axes.get_window_extent().x1


@pytest.mark.parametrize("losses", [[], [1.0], [math.nan], [1.0, math.nan], [0.0] * 30, [2.0, 1.0, math.inf]])
def test_curves_that_suggest_nothing_are_drawn_too(losses: list[float]) -> None:
    figure = read_curve(np.logspace(-7, 0, 30)[: len(losses)].tolist(), losses).figure()
    figure.draw_without_rendering()
    assert figure.axes[0].get_title().endswith("keep 1.0e-03")


def test_a_rule_without_a_mark_of_its_own_gets_one_that_no_other_has() -> None:
    suggestions = dict.fromkeys((*RULES, RACE, "seventh"), (0.001, 1.0))
    figure = lr_curve(
        [1e-4, 1e-3, 1e-2], [2.0, 1.0, 3.0], [2.0, 1.0, 3.0], suggestions, "seventh", "seventh suggests 1.0e-03"
    )
    marks = figure.axes[0].lines[2:]
    assert len({(mark.get_color(), mark.get_marker()) for mark in marks}) == 7
