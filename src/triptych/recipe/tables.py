"""Tables of a recipe's plan and results, for the terminal."""

import math
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from triptych.lr_finder import asks_to_find
from triptych.optim import group_rates
from triptych.optim.max_lr import change_rates
from triptych.recipe.plan import StagePlan
from triptych.recipe.state import StageResult
from triptych.tasks.split_scores import between, draws_of


def plan_table(plans: Sequence[StagePlan], groups: Sequence[str], epochs: Sequence[int]) -> Table:
    """The plan of each stage, in 80 columns.

    Args:
        plans: The stages.
        groups: Names of the layer groups, early to head.
        epochs: Requested epochs of each stage, before the budget.
    """
    total = sum(plan.seconds for plan in plans) / 60
    rows = [["stage", "trains", "peak rates", "size", "batch", "epochs", "steps", "min", "GB"]]
    for plan, requested in zip(plans, epochs, strict=True):
        stage = plan.stage
        rates = [*plan.rates(groups).values()]
        row = [
            stage.name,
            f"{plan.trainable / 1e6:.1f} M",
            _format_rates(rates if len(set(rates)) > 1 else stage.max_lr),
            _format_size(stage.image_size),
            _format_batch(stage.batch_size, plan.micro_batches),
            str(requested) if requested == stage.epochs else f"{stage.epochs} of {requested}",
            str(plan.steps * stage.epochs),
            f"{plan.seconds / 60:.1f}",
            f"{plan.memory / 1e9:.1f}",
        ]
        rows.append(row)
    return _table(f"plan: {total:.1f} minutes in {len(plans)} stages", rows, f"peak rates: {', '.join(groups)}")


def result_table(results: Sequence[StageResult]) -> Table:
    """The result of each stage, next to its plan, in 80 columns."""
    scores = list(results[0].scores)[:2]
    rows = [["stage", "epochs", "peak rate", "size", "scores", "min", "plan", "GB", "plan"]]
    for result in results:
        row = [
            result.name,
            str(result.epochs),
            _format_rates(result.max_lr),
            _format_size(result.image_size),
            " / ".join(f"{result.scores.get(name, math.nan):.3f}" for name in scores),
            "resumed" if result.seconds is None else f"{result.seconds / 60:.1f}",
            f"{result.planned_seconds / 60:.1f}",
            f"{result.memory / 1e9:.1f}",
            f"{result.planned_memory / 1e9:.1f}",
        ]
        rows.append(row)
    return _table("stages", rows, f"scores of the last weights: {' / '.join(scores)}{_of_end(results[-1], scores)}")


def _of_end(last: StageResult, scores: Sequence[str]) -> str:
    """What the scores are about, and the intervals of those of the last stage."""
    over = f", {last.over}" if last.over else ""
    bounds = [between(last.scores[name], last.intervals[name]) for name in scores if name in last.intervals]
    return f"{over}\nat the end {' / '.join(bounds)}; {draws_of(last.drawn)}" if bounds else over


def _table(title: str, rows: Sequence[Sequence[str]], caption: str) -> Table:
    """A table of the rows, the first of which has the headings, without the columns that are empty."""
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", padding=(0, 1, 0, 0))
    columns = [(heading, cells) for heading, *cells in zip(*rows, strict=True) if any(cells)]
    for number, (heading, _) in enumerate(columns):
        table.add_column(heading, justify="right" if number else "left")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


def _format_size(size: tuple[int, int] | None) -> str:
    """Height and width, such as 360x480; empty without them."""
    return "x".join(map(str, size or ()))


def _format_batch(batch_size: int | None, micro_batches: int) -> str:
    """The batch size, such as 8, or 2x4 if it is loaded in two parts; empty without one."""
    if batch_size is None:
        return ""
    return str(batch_size) if micro_batches == 1 else f"{micro_batches}x{batch_size // micro_batches}"


def _format_rates(max_lr: Any) -> str:
    """A peak rate, those of a list, or those of the first and the last group on several lines."""
    if isinstance(max_lr, str) and not asks_to_find(max_lr):
        max_lr = group_rates(max_lr, ("first", "last"))
    formatted = change_rates(max_lr, lambda rate: rate if isinstance(rate, str) else f"{rate:.1e}")
    return "\n".join(formatted) if isinstance(formatted, list) else str(formatted)
