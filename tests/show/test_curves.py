"""Curves show and name everything that was logged, and nothing overlaps or is cut."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from triptych import plot_losses, plot_lr

STEPS = range(0, 600, 5)
LOSSES = {step: 2 * math.exp(-step / 200) + 0.3 * (step % 2) for step in STEPS}
VALIDATIONS = (99, 299, 599)


def logged(folder: Path, series: Mapping[str, Mapping[int, float]]) -> Path:
    writer = SummaryWriter(str(folder))
    for name, values in series.items():
        for step, value in values.items():
            writer.add_scalar(name, value, step)
    writer.close()
    return folder


def scores(*values: float) -> dict[int, float]:
    return dict(zip(VALIDATIONS, values, strict=True))


def recipe(folder: Path, stages: Mapping[str, int]) -> None:
    """Writes the file with the number of steps of each stage of a recipe."""
    plans = [{"stage": {"name": name, "epochs": 1}, "steps": steps} for name, steps in stages.items()]
    begun = {f"{number}-{name}": 1e-3 for number, name in enumerate(stages, start=1)}
    (folder / "recipe.json").write_text(json.dumps({"plans": plans, "max_lr": begun}))


def rates(peaks: Sequence[float]) -> dict[str, dict[int, float]]:
    """Rates and momenta of three groups, rising and then falling to nearly zero."""
    shape = {step: 1e-5 + math.sin(math.pi * (step + 1) / 600) for step in STEPS}
    groups = dict(zip(("encoder_early", "encoder_late", "head"), peaks, strict=True))
    return {
        **{f"lr-AdamW/{group}": {step: peak * x for step, x in shape.items()} for group, peak in groups.items()},
        **{f"lr-AdamW/{group}-momentum": {step: 0.95 - 0.1 * x for step, x in shape.items()} for group in groups},
        **{f"lr-AdamW/{group}-weight_decay": dict.fromkeys(STEPS, 0.01) for group in groups},
    }


def legend(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def assert_tidy(figure: Figure) -> None:
    """Nothing leaves the figure, no legend overlaps a panel, and no names of stages overlap."""
    figure.draw_without_rendering()
    sheet = figure.bbox
    for axes in figure.axes:
        box, beside = axes.get_tightbbox(), axes.get_legend().get_window_extent()
        assert sheet.x0 <= box.x0 and box.x1 <= sheet.x1 and sheet.y0 <= box.y0 and box.y1 <= sheet.y1
        assert beside.x0 >= axes.get_window_extent().x1
    names = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for one, other in combinations(names, 2))


def test_losses_are_drawn_raw_and_smoothed_with_the_validation(tmp_path: Path) -> None:
    run = logged(tmp_path, {"train/loss": LOSSES, "val/loss": scores(1, 0.5, 0.25)})
    figure = plot_losses(run)
    raw, averaged, validation = figure.axes[0].lines
    assert legend(figure.axes[0]) == ["train, each logged step", "train, moving average", "validation"]
    assert list(raw.get_xdata()) == list(averaged.get_xdata()) == list(STEPS)
    assert raw.get_alpha() < 1 and raw.get_ydata() == pytest.approx(list(LOSSES.values()))
    assert np.abs(np.diff(averaged.get_ydata(), 2)).max() < 0.5 * np.abs(np.diff(raw.get_ydata(), 2)).max()
    assert list(validation.get_xdata()) == list(VALIDATIONS) and list(validation.get_ydata()) == [1, 0.5, 0.25]
    assert len(figure.axes) == 1
    assert_tidy(figure)


def test_scores_have_a_panel_and_those_of_another_unit_one_each(tmp_path: Path) -> None:
    series = {
        **{"train/loss": LOSSES, "val/loss": scores(1, 0.5, 0.25), "val/mse": scores(1, 0.5, 0.25)},
        **{"val/error_px": scores(20, 9, 4), "val/within_5px": scores(0, 0.4, 1), "val/within_10px": scores(0, 0.8, 1)},
        **{
            "val/tags_with_support": scores(9, 9, 9),
            "val/iou/Sky": scores(0, 0.5, 1),
            "epoch": dict.fromkeys(STEPS, 0),
        },
    }
    figure = plot_losses(logged(tmp_path, series))
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "error_px", "scores"]
    assert [legend(axes) for axes in figure.axes[1:]] == [["error_px"], ["within_5px", "within_10px"]]
    assert_tidy(figure)


@pytest.mark.parametrize("draw", [plot_losses, plot_lr])
def test_stages_are_marked_and_named_however_short(tmp_path: Path, draw) -> None:
    run = logged(tmp_path, {"train/loss": LOSSES, **rates([1e-4, 3e-4, 1e-3])})
    stages = {"head": 10, "a-long-name-of-a-stage": 25, "middle": 265, "large": 295, "last": 5}
    recipe(run, stages)
    figure = draw(run)
    assert [text.get_text() for text in figure.axes[0].texts] == list(stages)
    starts = [0, 10, 35, 300, 595]
    for axes in figure.axes:
        assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == starts
    assert_tidy(figure)


def test_no_line_joins_two_stages_and_no_average_mixes_them(tmp_path: Path) -> None:
    run = logged(tmp_path, {"train/loss": {step: 1.0 if step < 300 else 5.0 for step in STEPS}})
    recipe(run, {"one": 300, "two": 300})
    lines = [line for line in plot_losses(run).axes[0].lines if line.get_linestyle() == "-"]
    assert [set(line.get_ydata()) for line in lines] == [{1}, {5}, {1}, {5}]
    assert len(legend(plot_losses(run).axes[0])) == 2


def test_rates_and_momenta_of_every_group_are_drawn(tmp_path: Path) -> None:
    figure = plot_lr(logged(tmp_path, rates([1e-4, 3e-4, 1e-3])))
    assert [axes.get_ylabel() for axes in figure.axes] == ["learning rate", "momentum"]
    assert legend(figure.axes[0]) == ["encoder_early", "encoder_late", "head"]
    assert [max(line.get_ydata()) for line in figure.axes[0].lines] == pytest.approx([1e-4, 3e-4, 1e-3], rel=1e-3)
    assert legend(figure.axes[1]) == ["encoder_early\nencoder_late\nhead"]
    assert_tidy(figure)


def test_rates_far_apart_stand_on_a_log_axis_that_the_end_of_the_cycle_does_not_flatten(tmp_path: Path) -> None:
    far = plot_lr(logged(tmp_path / "far", rates([1e-4, 3e-4, 1e-3]))).axes[0]
    near = plot_lr(logged(tmp_path / "near", rates([1e-3, 1e-3, 1e-3]))).axes[0]
    assert (far.get_yscale(), near.get_yscale()) == ("log", "linear")
    assert far.get_ylim()[0] == pytest.approx(1e-6, rel=1e-3) and near.get_ylim()[0] == 0


def test_one_group_without_momentum_is_named_by_its_optimizer(tmp_path: Path) -> None:
    figure = plot_lr(logged(tmp_path, {"lr-SGD": dict.fromkeys(STEPS, 0.1)}))
    assert [legend(axes) for axes in figure.axes] == [["SGD"]]
    assert_tidy(figure)


@pytest.mark.parametrize("values", [[1.0], [math.nan], [1.0, math.inf, 2.0], [0.0, 0.0]])
def test_degenerate_curves_are_drawn_too(tmp_path: Path, values: list[float]) -> None:
    series = dict(enumerate(values))
    run = logged(tmp_path, {"train/loss": series, "val/loss": series, "val/f2": series, "lr-AdamW": series})
    for figure in (plot_losses(run), plot_lr(run)):
        assert_tidy(figure)


def test_logs_without_losses_or_rates_are_reported_in_one_line(tmp_path: Path) -> None:
    run = logged(tmp_path, {"epoch": {0: 0.0}})
    with pytest.raises(ValueError, match=r"expected losses in the logs .*, found none\.$"):
        plot_losses(run)
    with pytest.raises(ValueError, match=r"expected learning rates .*LearningRateMonitor\(.*\)\.$"):
        plot_lr(run)
