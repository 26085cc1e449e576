"""The sections of a report that need only the run folder."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from rich.table import Table

from triptych.draw.page import Html, Section, heading, listing, pairs, picture, table, text
from triptych.lr_finder import LRSearch
from triptych.lr_finder.curve import CURVE
from triptych.recipe.state import read_results
from triptych.recipe.tables import result_table
from triptych.runs.checkpoint import saved_scores
from triptych.runs.environment import environment
from triptych.runs.layout import RunLayout, taken_line
from triptych.runs.log import RunLog, Series
from triptych.show.curves import plot_losses, plot_lr


def scores(log: RunLog, path: Path) -> Section:
    """The scores of the last weights, beside those of the best epoch of a fit, and their course over the run.

    Scores of single classes are left out.

    Args:
        log: The log.
        path: The checkpoint that stands for the run.
    """
    series = {name: log.series[name] for name in sorted(log.series) if re.fullmatch("(val|test)/[^/]+", name)}
    if not series:
        return Section("Scores", [text("No validation was logged.")])
    saved = saved_scores(path)
    best = {f"best, epoch {saved.epoch}": saved.values} if path == RunLayout(log.folder).best else {}
    shown = Table("score")
    for column in (_last(log, series), *best, "first", "lowest", "highest"):
        shown.add_column(column, justify="right")
    for name, (_, values) in series.items():
        of_best = [of_epoch.get(name.removeprefix("val/")) for of_epoch in best.values()]
        row = (values[-1], *of_best, values[0], min(values), max(values))
        shown.add_row(name, *("" if value is None else f"{value:#.4g}" for value in row))
    lines = [f"Scored on {saved.over}."] if saved.over else []
    lines += [line.replace("`", "") for line in taken_line(path)] if best else []
    return Section("Scores", [table(shown), text(" ".join(lines))])


def _last(log: RunLog, series: Mapping[str, Series]) -> str:
    """Heading of the last scores, with the epoch after which they were computed, if that was logged."""
    epochs = dict(zip(*log.series.get("epoch", Series([], [])), strict=True))
    epoch = epochs.get(max(one.steps[-1] for one in series.values()))
    return "last" if epoch is None else f"last, epoch {epoch + 1:.0f}"


def stages(log: RunLog) -> list[Section]:
    """A recipe's plan and its results; empty for a single fit."""
    if not log.stages:
        return []
    results = read_results(log.folder)
    parts = []
    if results:
        shown = result_table(results)
        shown.title = None
        parts.append(table(shown))
    seconds = [result.seconds for result in results if result.seconds is not None]
    if seconds and len(seconds) == len(results):
        planned = sum(result.planned_seconds for result in results) / 60
        parts.append(text(f"Finished stages took {sum(seconds) / 60:.1f} minutes; {planned:.1f} were planned."))
    parts += [text(f"{stage.name}: started, not finished.") for stage in log.stages[len(results) :]]
    return [Section("Plan and results", parts)]


def curves(log: RunLog) -> Section:
    """Losses, scores, rates and momenta."""
    losses = _draw(plot_losses, log, f"Losses and scores of {log.name} by step")
    rates = _draw(plot_lr, log, f"Learning rate and momentum of each layer group of {log.name} by step")
    return Section("Curves", [losses, rates])


def _draw(draw: Callable[[Path], Figure], log: RunLog, alt: str) -> Html:
    try:
        return picture(draw(log.folder), alt, "svg")
    except ValueError as error:  # nothing of the kind was logged
        return text(str(error))


def searches(log: RunLog) -> list[Section]:
    """Each learning-rate search; empty if there was none."""
    parts = []
    folder = RunLayout(log.folder).search()
    for path in sorted(folder.rglob(CURVE)):
        search = LRSearch.load(path)
        if path.parent != folder:  # a stage's
            parts.append(heading(path.parent.name))
        parts += [table(search.table()), picture(search.figure(), f"Loss by learning rate: {search.verdict}", "svg")]
    return [Section("Learning-rate search", parts)] if parts else []


def machine(checkpoint: Mapping[str, Any]) -> Section:
    """Versions and device of the training; of this process if the checkpoint does not have them."""
    if "environment" in checkpoint:
        return Section("Environment", [text("The run was trained with:"), table(pairs(checkpoint["environment"]))])
    here = environment(torch.device("cpu"))
    explanation = "The checkpoint does not say where it was trained; this report was written with:"
    return Section("Environment", [text(explanation), table(pairs(here))])


def configuration(log: RunLog) -> Section:
    """The run's `config.yaml`, else the model's hyper-parameters."""
    path = RunLayout(log.folder).config
    if path.is_file():
        return Section("Configuration", [listing(path.read_text(encoding="utf-8"))])
    explanation = "This run comes from a script, so there is no config.yaml."
    if not log.hyper_parameters:
        return Section("Configuration", [text(explanation)])
    explanation += " The model's hyper-parameters:"
    return Section("Configuration", [text(explanation), table(pairs(log.hyper_parameters))])
