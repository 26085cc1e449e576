"""The time budget of a recipe: epochs that fit into it, and what is planned anew after each stage."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from triptych.recipe.plan import StagePlan, replace_epochs
from triptych.recipe.stage import FullStage
from triptych.recipe.state import RecipeState

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def read_budget(text: str) -> float:
    """Seconds of a time such as "90s", "20m" or "1.5h".

    Raises:
        ValueError: `text` is not such a time, or 0.
    """
    found = _BUDGET.fullmatch(text.strip())
    if found is None or float(found[1]) == 0:
        raise ValueError(f"budget: expected a time above 0 such as 90s, 20m or 1.5h, got {text!r}.")
    return float(found[1]) * _SECONDS[found[2]]


def fit_budget(plans: Sequence[StagePlan], seconds: float, spent: float = 0.0) -> list[StagePlan]:
    """The plans with fewer epochs, scaled by a common factor to at least 1 each, so that they take at most `seconds`.

    Args:
        plans: The stages.
        seconds: The budget.
        spent: Seconds of the budget that are spent already.

    Raises:
        ValueError: One epoch each takes longer; the message gives the minimum.
    """
    minimum = spent + sum(replace_epochs(plan, 1).seconds for plan in plans)
    if minimum > seconds:
        unit, letter = (1, "s") if minimum < 120 else (60, "m")
        enough, given = math.ceil(10 * minimum / unit) / 10, math.floor(10 * seconds / unit) / 10
        raise ValueError(f"budget: expected at least {enough:g}{letter} for one epoch each, got {given:g}{letter}.")
    return scaled(plans, seconds - spent)


def scaled(plans: Sequence[StagePlan], seconds: float) -> list[StagePlan]:
    """The plans with epochs scaled by a common factor, so that they take at most `seconds`; at least 1 each."""
    fraction = 1.0
    fewer = list(plans)
    while sum(plan.seconds for plan in fewer) > seconds and any(plan.stage.epochs > 1 for plan in fewer):
        fraction *= 0.99
        fewer = [replace_epochs(plan, max(1, math.floor(fraction * plan.stage.epochs))) for plan in plans]
    return fewer


def replan(state: RecipeState, pace: float) -> str:
    """Plans the stages that are left, so that they fit into what is left of the budget; none gets more than requested.

    Args:
        state: State of the run; gets the plans.
        pace: Time that the epochs of the last stage took, as a multiple of the planned time.

    Returns:
        What changes, in words; empty if no number of epochs does.
    """
    assert state.budget is not None
    count, before = len(state.done), [plan.stage for plan in state.plans]
    left = zip(state.plans[count:], state.stages[count:], strict=True)
    requested = [_at_pace(replace_epochs(plan, stage.epochs), pace) for plan, stage in left]
    state.plans = [*state.plans[:count], *scaled(requested, state.budget - state.spent)]
    return changes(before, state.plans)


def _at_pace(plan: StagePlan, pace: float) -> StagePlan:
    names = ("seconds_besides", "seconds_after", "seconds_per_view", "seconds_per_epoch", "seconds_per_validation")
    return replace(plan, **{name: pace * getattr(plan, name) for name in names})


def changes(before: Sequence[FullStage], plans: Sequence[StagePlan]) -> str:
    """The stages whose number of epochs changes, in words; empty if none does."""
    pairs = [(old.name, old.epochs, plan.stage.epochs) for old, plan in zip(before, plans, strict=True)]
    return ", ".join(f"{was} epochs of {name} scaled to {now}" for name, was, now in pairs if was != now)
