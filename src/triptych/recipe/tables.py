"""Tables of a recipe's plan and results, for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from triptych.lr_finder import asks_to_find
from triptych.optim import group_rates
from triptych.optim.max_lr import change_rates
from triptych.recipe.plan import StagePlan
from triptych.recipe.state import StageResult


def plan_table(plans: Sequence[StagePlan], groups: Sequence[str], epochs: Sequence[int]) -> Table:
    """The plan of each stage, in 80 columns.

    Args:
        plans: The stages.
        groups: Names of the layer groups, early to head.
        epochs: Requested epochs of each stage, before the budget.
    """
    total = sum(plan.seconds for plan in plans) / 60
    table = _table(
        f"plan: {total:.1f} minutes in {len(plans)} stages",
        ["stage", "trains", "peak rates", "size", "batch", "epochs", "steps", "min", "GB"],
        f"peak rates: {', '.join(groups)}",
    )
    for plan, requested in zip(plans, epochs, strict=True):
        stage = plan.stage
        rates = [*plan.rates(groups).values()]
        table.add_row(
            stage.name,
            f"{plan.trainable / 1e6:.1f} M",
            _format_rates(rates if len(set(rates)) > 1 else stage.max_lr),
            "x".join(map(str, stage.image_size)),
            _format_batch(stage.batch_size, plan.micro_batches),
            str(requested) if requested == stage.epochs else f"{stage.epochs} of {requested}",
            str(plan.steps * stage.epochs),
            f"{plan.seconds / 60:.1f}",
            f"{plan.memory / 1e9:.1f}",
        )
    return table


def result_table(results: Sequence[StageResult]) -> Table:
    """The result of each stage, next to its plan, in 80 columns."""
    scores = list(results[0].scores)[:2]
    table = _table(
        "stages",
        ["stage", "epochs", "peak rate", "size", "scores", "min", "plan", "GB", "plan"],
        f"scores: {' / '.join(scores)}",
    )
    for result in results:
        table.add_row(
            result.name,
            str(result.epochs),
            _format_rates(result.max_lr),
            "x".join(map(str, result.image_size)),
            " / ".join(f"{result.scores[name]:.3f}" for name in scores),
            "resumed" if result.seconds is None else f"{result.seconds / 60:.1f}",
            f"{result.planned_seconds / 60:.1f}",
            f"{result.memory / 1e9:.1f}",
            f"{result.planned_memory / 1e9:.1f}",
        )
    return table


def _table(title: str, headings: Sequence[str], caption: str) -> Table:
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", padding=(0, 1, 0, 0))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table


def _format_batch(batch_size: int, micro_batches: int) -> str:
    """The batch size, such as 8, or 2x4 if it is loaded in two parts."""
    return str(batch_size) if micro_batches == 1 else f"{micro_batches}x{batch_size // micro_batches}"


def _format_rates(max_lr: Any) -> str:
    """A peak rate, those of a list, or those of the first and the last group on several lines."""
    if isinstance(max_lr, str) and not asks_to_find(max_lr):
        max_lr = group_rates(max_lr, ("first", "last"))
    formatted = change_rates(max_lr, lambda rate: rate if isinstance(rate, str) else f"{rate:.1e}")
    return "\n".join(formatted) if isinstance(formatted, list) else str(formatted)
