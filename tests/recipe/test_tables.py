"""The tables show every form of a peak rate, and stay within 80 columns."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from triptych.recipe.plan import StagePlan
from triptych.recipe.stage import FullStage
from triptych.recipe.state import StageResult
from triptych.recipe.tables import plan_table, result_table

GROUPS = ["encoder_early", "encoder_late", "head"]


def planned(max_lr: Any) -> StagePlan:
    stage = FullStage(
        **{"name": "128-head", "epochs": 10, "freeze_to": -1, "image_size": (720, 960), "batch_size": 8},
        **{"max_lr": max_lr, "precision": "32-true", "sample_weights": "even"},
    )
    seconds = {"seconds_besides": 60.0, "seconds_per_epoch": 600.0, "seconds_per_validation": 60.0}
    return StagePlan(stage, 2_000_000, 24_000_000, steps=1000, validate_every=1, memory=3 * 10**9, **seconds)


def result(max_lr: Any) -> StageResult:
    return StageResult(
        **{"name": "128-head", "epochs": 10, "max_lr": max_lr, "image_size": (720, 960), "batch_size": 8},
        **{"scores": {"void_masked_accuracy": 0.9, "mean_iou": 0.5}, "checkpoint": "1-head.ckpt"},
        **{"seconds": 600.0, "planned_seconds": 660.0, "memory": 3 * 10**9, "planned_memory": 3 * 10**9},
        steps=1000,
    )


def shown(table: Table, column: int) -> list[str]:
    """The lines of a column's only cell; what is printed is at most 80 columns wide."""
    Console(file=(printed := io.StringIO()), width=200).print(table)
    assert max(map(len, printed.getvalue().splitlines())) <= 80
    (cell,) = table.columns[column].cells
    return str(cell).split("\n")


@pytest.mark.parametrize(
    ("max_lr", "in_plan", "in_result"),
    [
        (3e-3, ["3.0e-03"], ["3.0e-03"]),
        ([1e-5, 1e-3], ["1.0e-05", "1.0e-04", "1.0e-03"], ["1.0e-05", "1.0e-03"]),
        ([1e-5, 2e-5, 1e-3], ["1.0e-05", "2.0e-05", "1.0e-03"], ["1.0e-05", "2.0e-05", "1.0e-03"]),
        ("slice(1e-3)", ["1.0e-04", "1.0e-04", "1.0e-03"], ["1.0e-04", "1.0e-03"]),
        ("slice(1e-5, 1e-3)", ["1.0e-05", "1.0e-04", "1.0e-03"], ["1.0e-05", "1.0e-03"]),
    ],
)
def test_typed_rates_are_shown_for_each_group(max_lr: Any, in_plan: list[str], in_result: list[str]) -> None:
    assert shown(plan_table([planned(max_lr)], GROUPS, [10]), 2) == in_plan
    assert shown(result_table([result(max_lr)]), 2) == in_result


@pytest.mark.parametrize(
    ("max_lr", "in_plan"),
    [("find/3", ["find/3"]), (["find/10", 1e-3], ["find/10", "1.0e-03"]), ("slice(find)", ["slice(find)"])],
)
def test_rates_that_are_to_be_found_are_shown_as_typed(max_lr: Any, in_plan: list[str]) -> None:
    assert shown(plan_table([planned(max_lr)], GROUPS, [10]), 2) == in_plan


def test_column_of_what_the_data_do_not_have_is_left_out() -> None:
    plan, done = planned(1e-3), result(1e-3)
    without = replace(plan, stage=replace(plan.stage, image_size=None))
    tables = plan_table([without], GROUPS, [10]), result_table([replace(done, image_size=None)])
    for table, before in zip(tables, (plan_table([plan], GROUPS, [10]), result_table([done])), strict=True):
        assert [one.header for one in table.columns] == [one.header for one in before.columns if one.header != "size"]
        assert len(shown(table, 0)) == 1
