"""The curves of a run: losses and scores, learning rates and momentum, with a recipe's stages marked."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import lightning as L
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from triptych.draw.figure import NotebookFigure
from triptych.runs.log import RunLog, Series, StageStart, read_run

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The Okabe-Ito palette for colour-blind readers, without its yellow, which is hard to see on white."""
_COUNTS = ("val/tags_with_support",)
"""Logged under `val/`, but not scores."""
_MIN_REACH, _RUN_PART, _STAGE_PART = 2, 40, 8
"""Half-width of the moving average in points: 2, or 1/40 of the run if that is more; at most 1/8 of the stage."""
_WIDE_RATES = 4.0  # ratio of highest to lowest peak from which a linear axis would hide the small rates
_SHOWN_BELOW = 100.0  # one-cycle ends at 1e-5 of its peak, which on a log axis would flatten the rest
_PANEL_INCHES, _WIDTH_INCHES = 2.6, 9.0
_THICK_PT, _THIN_PT = 4.0, 1.5
_LABEL_PT, _LETTER_PT, _PANEL_PT = 9, 5.5, 430  # size of a stage's name, width of its letters, width of a panel


def plot_losses(run: str | Path | L.Trainer) -> Figure:
    """Training loss (faint) with its moving average, validation loss, and the validation scores in panels below.

    Scores in [0, 1] are drawn in one panel, each other score in its own. A recipe's stages are marked and named.

    Args:
        run: A run folder, or a Trainer after a fit.

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
        _draw(top, series, log.stages, color=_COLORS[0], alpha=0.3, linewidth=1, label="train, each logged step")
        averaged = _averaged(series, log.stages)
        _draw(top, averaged, log.stages, color=_COLORS[0], linewidth=2, label="train, moving average")
    if "val/loss" in losses:
        _draw(top, losses["val/loss"], (), color=_COLORS[1], marker="o", markersize=4, label="validation")
    for axes, (title, scores) in zip(below, panels.items(), strict=True):
        axes.set_ylabel(title)
        for index, name in enumerate(scores):
            label = name.removeprefix("val/")
            _draw(axes, log.series[name], (), color=_color(index), marker="o", markersize=4, label=label)
    return _finished(figure, log)


def plot_lr(run: str | Path | L.Trainer) -> Figure:
    """Learning rate and momentum of every layer group, frozen or not, as `LearningRateMonitor` logs them.

    If the rates are far apart, their axis is logarithmic and ends at a hundredth of the lowest peak. Groups with equal
    values share a line; the lines of later groups are thinner, so that no line hides another.

    Args:
        run: A run folder, or a Trainer after a fit.

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
    for axes, (title, by_group) in zip(panels, shown.items(), strict=True):
        axes.set_ylabel(title)
        lines = _shared_lines(by_group)
        for index, (names, series) in enumerate(lines.items()):
            width = _THIN_PT + (_THICK_PT - _THIN_PT) * (len(lines) - 1 - index) / max(len(lines) - 1, 1)
            _draw(axes, series, log.stages, color=_color(index), linewidth=width, label=names)
    _scale_rates(panels[0], rates, log.stages)
    return _finished(figure, log)


def _score_panels(series: Mapping[str, Series]) -> dict[str, list[str]]:
    """Names of the scores by the title of their panel; a score equal to the loss is left out."""
    loss = series.get("val/loss")
    panels: dict[str, list[str]] = {}
    for name, (steps, values) in series.items():
        is_single = name.startswith("val/") and name.count("/") == 1 and name not in ("val/loss", *_COUNTS)
        is_loss = loss is not None and steps == loss.steps and np.allclose(values, loss.values, 1e-3, equal_nan=True)
        if is_single and not is_loss:
            is_fraction = all(0 <= value <= 1 for value in values if np.isfinite(value))
            panels.setdefault("scores" if is_fraction else name.removeprefix("val/"), []).append(name)
    return panels


def _group(name: str) -> str:
    """Name of the layer group; of the optimizer if it has no named groups."""
    return name.removesuffix("-momentum").removeprefix("lr-").split("/", 1)[-1]


def _shared_lines(by_group: Mapping[str, Series]) -> dict[str, Series]:
    """The distinct series, each under the names of the groups that share it, one name a line."""
    shared: dict[tuple[tuple[float, ...], ...], list[str]] = {}
    for group, (steps, values) in by_group.items():
        shared.setdefault((tuple(steps), tuple(values)), []).append(group)
    return {"\n".join(groups): by_group[groups[0]] for groups in shared.values()}


def _scale_rates(axes: Axes, rates: Mapping[str, Series], stages: Sequence[StageStart]) -> None:
    """Sets a log axis if the peak rates of groups and stages are far apart, else a linear axis from zero."""
    peaks = [max(part.values) for series in rates.values() for part in _parts(series, stages)]
    lowest, highest = min(peaks), max(peaks)
    if lowest > 0 and highest / lowest >= _WIDE_RATES:
        axes.set_yscale("log")
        axes.set_ylim(lowest / _SHOWN_BELOW, 2 * highest)
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g}")  # no factor above the axis, where the names of the stages are


def _panels(log: RunLog, count: int) -> tuple[Figure, list[Axes]]:
    figure = NotebookFigure(figsize=(_WIDTH_INCHES, 0.8 + _PANEL_INCHES * count), dpi=120, layout="constrained")
    figure.suptitle(log.name)
    panels = list(figure.subplots(count, sharex=True, squeeze=False)[:, 0])
    for axes in panels:
        axes.grid(alpha=0.25)
    panels[-1].set_xlabel("step")
    return figure, panels


def _finished(figure: Figure, log: RunLog) -> Figure:
    """Adds a legend beside each panel, and marks the stages."""
    for axes in figure.axes:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    _mark(figure.axes, log.stages)
    figure.align_ylabels()
    return figure


def _mark(panels: Sequence[Axes], stages: Sequence[StageStart]) -> None:
    """Draws a line where each stage starts and writes its name above, one row higher if it would overlap another."""
    low, high = panels[0].get_xlim()
    ends: list[float] = []  # right end of the last name in each row, in points from the left
    for stage in stages:
        for axes in panels:
            axes.axvline(stage.first_step, color="black", linewidth=0.8, alpha=0.5, linestyle="--")
        left = _PANEL_PT * (stage.first_step - low) / (high - low)
        row = next((row for row, end in enumerate(ends) if end < left), len(ends))
        ends[row : row + 1] = [left + _LETTER_PT * (len(stage.name) + 2)]
        anchor, offset = (stage.first_step, 1.0), (0, 3 + row * (_LABEL_PT + 3))
        above = panels[0].get_xaxis_transform()
        panels[0].annotate(stage.name, anchor, offset, above, "offset points", fontsize=_LABEL_PT)
    panels[0].set_xlim(low, high)


def _draw(axes: Axes, series: Series, stages: Sequence[StageStart], label: str, **style: float | str) -> None:
    """Draws a line for each stage, because values jump from one stage to the next; one entry in the legend."""
    for number, part in enumerate(_parts(series, stages)):
        axes.plot(*part, label=None if number else label, **style)  # type: ignore[arg-type]


def _parts(series: Series, stages: Sequence[StageStart]) -> list[Series]:
    """The series split where stages start, without empty parts."""
    cuts = [0, *np.searchsorted(series.steps, [stage.first_step for stage in stages[1:]]), len(series.steps)]
    return [Series(series.steps[a:b], series.values[a:b]) for a, b in pairwise(cuts) if a < b]


def _averaged(series: Series, stages: Sequence[StageStart]) -> Series:
    """Moving average over each stage; the window is smaller at both ends of a stage and in a short stage."""
    averages = []
    for _, values in _parts(series, stages):
        reach = min(max(_MIN_REACH, len(series.steps) // _RUN_PART), len(values) // _STAGE_PART)
        averages += [float(np.mean(values[max(0, i - reach) : i + reach + 1])) for i in range(len(values))]
    return Series(series.steps, averages)


def _color(index: int) -> str:
    return _COLORS[index % len(_COLORS)]
