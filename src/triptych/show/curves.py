"""The curves of a run: losses and scores, rates and momentum, with a recipe's stages marked."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import lightning as L
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from triptych.draw.figure import NotebookFigure
from triptych.runs.log import RunLog, Series, StageStart, read_run

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart, without the yellow that white swallows."""
_COUNTS = ("val/tags_with_support",)
"""What is logged beside the scores and is none."""
_LEAST_REACH, _OF_RUN, _OF_STAGE = 2, 40, 8
"""A moving average reaches over so many points to both sides, or this part of the run's if it is more, but at most over
this part of its stage's."""
_WIDE_RATES = 4.0  # highest peak over the lowest, from which small rates cannot be read on a linear axis
_SHOWN_BELOW = 100.0  # one-cycle ends at 1e-5 of its peak, which on a log axis would flatten the rest
_PANEL_INCHES, _WIDTH_INCHES = 2.6, 9.0
_THICK_PT, _THIN_PT = 4.0, 1.5
_LABEL_PT, _LETTER_PT, _PANEL_PT = 9, 5.5, 430  # size of a stage's name, width of its letters and of a panel


def plot_losses(run: str | Path | L.Trainer) -> Figure:
    """Training loss (faint) with its moving average, validation loss, and the validation's scores in panels below.

    Scores that are shares stand in one panel, any other in one of its own. A recipe's stages are marked and named.

    Args:
        run: A run's folder, or a Trainer that has fitted.

    Raises:
        FileNotFoundError: The folder has no logs.
        ValueError: No loss was logged.
    """
    log = read_run(run)
    losses = {name: log.series[name] for name in ("train/loss", "val/loss") if name in log.series}
    if not losses:
        raise ValueError(f"{log.folder}: expected losses in the logs (train/loss or val/loss), found none.")
    panels = _score_panels(log.series)
    figure, (top, *below) = _panels(log, 1 + len(panels))
    top.set_ylabel("loss")
    if "train/loss" in losses:
        series = losses["train/loss"]
        _draw(top, series, log.stages, color=COLORS[0], alpha=0.3, linewidth=1, label="train, each logged step")
        averaged = _averaged(series, log.stages)
        _draw(top, averaged, log.stages, color=COLORS[0], linewidth=2, label="train, moving average")
    if "val/loss" in losses:
        _draw(top, losses["val/loss"], (), color=COLORS[1], marker="o", markersize=4, label="validation")
    for axes, (title, scores) in zip(below, panels.items(), strict=True):
        axes.set_ylabel(title)
        for place, name in enumerate(scores):
            label = name.removeprefix("val/")
            _draw(axes, log.series[name], (), color=_color(place), marker="o", markersize=4, label=label)
    return _finished(figure, log)


def plot_lr(run: str | Path | L.Trainer) -> Figure:
    """Learning rate and momentum of every layer group, frozen or not, as `LearningRateMonitor` logs them.

    Rates that are far apart stand on a log axis, which ends at a hundredth of the lowest peak. Groups that go the same
    way all the time share a line; others are the thinner the later their group, so that none hides another for a while.

    Args:
        run: A run's folder, or a Trainer that has fitted.

    Raises:
        FileNotFoundError: The folder has no logs.
        ValueError: No rate was logged.
    """
    log = read_run(run)
    groups = {name: series for name, series in log.series.items() if name.startswith("lr-")}
    rates = {_group(name): one for name, one in groups.items() if not name.endswith(("-momentum", "-weight_decay"))}
    momenta = {_group(name): one for name, one in groups.items() if name.endswith("-momentum")}
    if not rates:
        raise ValueError(
            f"{log.folder}: expected learning rates in the logs, found none; give the Trainer the callback "
            'LearningRateMonitor("step", log_momentum=True).'
        )
    shown = {"learning rate": rates, **({"momentum": momenta} if momenta else {})}
    figure, panels = _panels(log, len(shown))
    for axes, (title, of_groups) in zip(panels, shown.items(), strict=True):
        axes.set_ylabel(title)
        lines = _shared_lines(of_groups)
        for place, (names, series) in enumerate(lines.items()):
            width = _THIN_PT + (_THICK_PT - _THIN_PT) * (len(lines) - 1 - place) / max(len(lines) - 1, 1)
            _draw(axes, series, log.stages, color=_color(place), linewidth=width, label=names)
    _scale_rates(panels[0], rates, log.stages)
    return _finished(figure, log)


def _score_panels(series: Mapping[str, Series]) -> dict[str, list[str]]:
    """Names of the scores by the title of their panel; one that is the loss again is left out."""
    loss = series.get("val/loss")
    panels: dict[str, list[str]] = {}
    for name, (steps, values) in series.items():
        is_single = name.startswith("val/") and name.count("/") == 1 and name not in ("val/loss", *_COUNTS)
        is_loss = loss is not None and steps == loss.steps and np.allclose(values, loss.values, 1e-3, equal_nan=True)
        if is_single and not is_loss:
            is_share = all(0 <= value <= 1 for value in values if np.isfinite(value))
            panels.setdefault("scores" if is_share else name.removeprefix("val/"), []).append(name)
    return panels


def _group(name: str) -> str:
    """The layer group's name, or where there are no groups the optimizer's."""
    return name.removesuffix("-momentum").removeprefix("lr-").split("/", 1)[-1]


def _shared_lines(of_groups: Mapping[str, Series]) -> dict[str, Series]:
    """The series that differ, each by the names of the groups that share it, one below the other."""
    shared: dict[tuple[tuple[float, ...], ...], list[str]] = {}
    for group, (steps, values) in of_groups.items():
        shared.setdefault((tuple(steps), tuple(values)), []).append(group)
    return {"\n".join(groups): of_groups[groups[0]] for groups in shared.values()}


def _scale_rates(axes: Axes, rates: Mapping[str, Series], stages: Sequence[StageStart]) -> None:
    """A log axis where the highest rates of groups and stages are far apart, else one from zero."""
    peaks = [max(part.values) for series in rates.values() for part in _parts(series, stages)]
    lowest, highest = min(peaks), max(peaks)
    if lowest > 0 and highest / lowest >= _WIDE_RATES:
        axes.set_yscale("log")
        axes.set_ylim(lowest / _SHOWN_BELOW, 2 * highest)
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g}")  # no factor above the axis, where the stages have their names


def _panels(log: RunLog, count: int) -> tuple[Figure, list[Axes]]:
    figure = NotebookFigure(figsize=(_WIDTH_INCHES, 0.8 + _PANEL_INCHES * count), dpi=120, layout="constrained")
    figure.suptitle(log.name)
    panels = list(figure.subplots(count, sharex=True, squeeze=False)[:, 0])
    for axes in panels:
        axes.grid(alpha=0.25)
    panels[-1].set_xlabel("step")
    return figure, panels


def _finished(figure: Figure, log: RunLog) -> Figure:
    """The figure with a legend beside each panel, and the stages marked."""
    for axes in figure.axes:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    _mark(figure.axes, log.stages)
    figure.align_ylabels()
    return figure


def _mark(panels: Sequence[Axes], stages: Sequence[StageStart]) -> None:
    """A line where each stage starts, and its name above, a row higher where it would lie on another."""
    low, high = panels[0].get_xlim()
    ends: list[float] = []  # of the last name in each row, in points from the left
    for stage in stages:
        for axes in panels:
            axes.axvline(stage.first_step, color="black", linewidth=0.8, alpha=0.5, linestyle="--")
        left = _PANEL_PT * (stage.first_step - low) / (high - low)
        row = next((row for row, end in enumerate(ends) if end < left), len(ends))
        ends[row : row + 1] = [left + _LETTER_PT * (len(stage.name) + 2)]
        place, offset = (stage.first_step, 1.0), (0, 3 + row * (_LABEL_PT + 3))
        above = panels[0].get_xaxis_transform()
        panels[0].annotate(stage.name, place, offset, above, "offset points", fontsize=_LABEL_PT)
    panels[0].set_xlim(low, high)


def _draw(axes: Axes, series: Series, stages: Sequence[StageStart], label: str, **look: float | str) -> None:
    """A line for each stage, since what was logged jumps from one to the next; one entry in the legend."""
    for number, part in enumerate(_parts(series, stages)):
        axes.plot(*part, label=None if number else label, **look)  # type: ignore[arg-type]


def _parts(series: Series, stages: Sequence[StageStart]) -> list[Series]:
    """The series cut where stages start, without empty parts."""
    cuts = [0, *np.searchsorted(series.steps, [stage.first_step for stage in stages[1:]]), len(series.steps)]
    return [Series(series.steps[a:b], series.values[a:b]) for a, b in pairwise(cuts) if a < b]


def _averaged(series: Series, stages: Sequence[StageStart]) -> Series:
    """The mean of the values around each, of fewer at both ends of a stage and in a short one."""
    averages = []
    for _, values in _parts(series, stages):
        reach = min(max(_LEAST_REACH, len(series.steps) // _OF_RUN), len(values) // _OF_STAGE)
        averages += [float(np.mean(values[max(0, i - reach) : i + reach + 1])) for i in range(len(values))]
    return Series(series.steps, averages)


def _color(place: int) -> str:
    return COLORS[place % len(COLORS)]
