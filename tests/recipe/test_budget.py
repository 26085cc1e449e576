"""Budgets are kept, whatever the plan has foreseen, and every stage ends at the end of its cycle."""

import json
import math
import operator
import random
import re
from itertools import accumulate, repeat
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from clock import Clock
from small_fit import TINY, BreakOff, BrokenOffError
from stage_plans import planned

from triptych import MultiLabelClassifier, PlanetDataModule, Stage, run_recipe
from triptych.recipe.budget import fit_budget, read_budget
from triptych.recipe.plan import StagePlan, replace_epochs
from triptych.recipe.stage import FullStage
from triptych.recipe.state import StageResult
from triptych.runs.log import read_run

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers:UserWarning", "ignore:.*LeafSpec.* is deprecated:FutureWarning"
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("1.5h", 5400), (" 20 m ", 1200), ("0.5s", 0.5)]
)
def test_budget_is_read_in_seconds(text: str, seconds: float) -> None:
    assert read_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "m", "-20m", "20 minutes", "20m30s", "1,5h", "0m", "0.0s", "nan", "1d"])
def test_nonsense_is_no_budget(text: str) -> None:
    words = f"budget: expected a time above 0 such as 90s, 20m or 1.5h, got {text!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        read_budget(text)


def random_plans(draw: random.Random) -> list[StagePlan]:
    return [
        planned(
            f"s{i}",
            draw.randint(1, 40),
            seconds_besides=draw.choice([0.0, 10 * draw.random()]),
            seconds_per_epoch=10 ** draw.uniform(-2, 2),
            seconds_per_validation=draw.choice([0.0, 10 ** draw.uniform(-2, 2)]),
            validate_every=draw.randint(1, 6),
        )
        for i in range(draw.randint(1, 5))
    ]


def total(plans: list[StagePlan]) -> float:
    return sum(plan.seconds for plan in plans)


@pytest.mark.parametrize("seed", range(60))
def test_budget_is_kept_and_used(seed: int) -> None:
    draw = random.Random(seed)
    plans = random_plans(draw)
    requested = [plan.stage.epochs for plan in plans]
    least = total([replace_epochs(plan, 1) for plan in plans])
    budget = least + draw.choice([0.0, draw.random(), 2.0]) * (total(plans) - least)
    fitted = fit_budget(plans, budget)
    epochs = [plan.stage.epochs for plan in fitted]
    assert total(fitted) <= budget
    assert all(1 <= now <= before for now, before in zip(epochs, requested, strict=True))
    assert [replace_epochs(plan, 7) for plan in fitted] == [replace_epochs(plan, 7) for plan in plans]
    if epochs != requested:  # they were scaled alike, and a percent more would not have fitted
        fractions = accumulate(repeat(0.99, 600), operator.mul, initial=1.0)
        alike = [[max(1, math.floor(fraction * one)) for one in requested] for fraction in fractions]
        first = alike.index(epochs)
        more = [replace_epochs(plan, one) for plan, one in zip(plans, alike[first - 1], strict=True)]
        assert total(more) > budget


def test_budget_too_short_for_an_epoch_each_names_the_least() -> None:
    plans = [planned("a", 5, seconds_per_epoch=60.0, seconds_besides=30.0), planned("b", 9, seconds_per_epoch=120.0)]
    with pytest.raises(ValueError, match=r"^budget: expected at least 3\.5m for one epoch each, got 3m\.$"):
        fit_budget(plans, 180)
    assert [plan.stage.epochs for plan in fit_budget(plans, 210)] == [1, 1]


@pytest.mark.parametrize("seconds", [0.111, 61.01, 200.01, 5000.01])
def test_least_that_is_named_is_enough(seconds: float) -> None:
    plans = [planned("a", 5, seconds_per_epoch=seconds), planned("b", 9, seconds_per_epoch=0.4)]
    with pytest.raises(ValueError, match="budget") as refused:
        fit_budget(plans, seconds)
    named = re.search(r"at least (\S+) for", str(refused.value))
    assert named is not None
    assert fit_budget(plans, read_budget(named[1]))[0].stage.epochs == 1


def test_what_is_spent_counts(tmp_path: Path) -> None:
    plans = [planned("a", 5, seconds_per_epoch=60.0)]
    assert [plan.stage.epochs for plan in fit_budget(plans, 240, spent=60.0)] == [3]
    with pytest.raises(ValueError, match=r"^budget: expected at least 2m for one epoch each, got 1\.9m\.$"):
        fit_budget(plans, 119, spent=60.0)


BATCHES, STEP, VALIDATION = 5, 10.0, 5.0
"""Training batches of an epoch; planned seconds of a batch and of a validation."""
EPOCH = BATCHES * STEP + VALIDATION
PEAK, LAST = 1e-3, pytest.approx(1e-8)
STAGES = [Stage("head", epochs=4, freeze_to=-1, max_lr=PEAK), Stage("all", epochs=6, freeze_to=0), Stage("more")]
REQUESTED = 4 + 6 + 6
PLACES = ("triptych.recipe.run", "triptych.recipe.stage_run")


class Watch(L.Callback):
    """The last rate of each stage, and the epochs, counted over all stages, whose samples were drawn."""

    def __init__(self) -> None:
        self.last_rates: list[float] = []
        self.epochs: set[int] = set()
        self.steps = 0

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.epochs.add(trainer.datamodule.first_epoch + trainer.current_epoch)
        self.steps += 1

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.last_rates.append(trainer.optimizers[0].param_groups[-1]["lr"])


def plan_as_timed(stage: FullStage, *_: Any) -> StagePlan:
    timing = {"seconds_per_epoch": BATCHES * STEP, "seconds_per_validation": VALIDATION, "seconds_besides": 0.0}
    return StagePlan(stage, trainable=1, parameters=1, steps=BATCHES, memory=0, validate_every=1, **timing)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that runs as the plan says."""
    monkeypatch.setattr("triptych.recipe.within_memory.plan_stage", plan_as_timed)
    return Clock(monkeypatch, STEP, VALIDATION, PLACES)


def run(root: Path, folder: Path, budget: str | None, *callbacks: L.Callback, **more: Any) -> list[StageResult]:
    data = PlanetDataModule(str(root), image_size=(32, 32), batch_size=5)
    settings = {"accelerator": "cpu", "devices": 1, "limit_val_batches": 1, "log_every_n_steps": 1}
    quiet = {"enable_progress_bar": False, "callbacks": list(callbacks)}
    return run_recipe(
        MultiLabelClassifier(**TINY), data, STAGES, {**settings, **quiet}, folder, budget=budget, seed=0, **more
    )


class Pace(L.Callback):
    """Sets how fast the clock runs in each stage, as a multiple of the plan."""

    def __init__(self, clock: Clock, *paces: float) -> None:
        self.clock, self.paces = clock, iter(paces)

    def on_train_start(self, *_: Any) -> None:
        pace = next(self.paces)
        self.clock.step, self.clock.validation = pace * STEP, pace * VALIDATION


PACES: dict[str, tuple[float, tuple[float, float, float]]] = {  # seconds of the budget; pace of each stage
    "all slower": (REQUESTED * EPOCH, (1.3, 1.3, 1.3)),
    "much slower": (REQUESTED * EPOCH, (4, 4, 4)),
    "the last one slower": (REQUESTED * EPOCH, (1, 1, 1.3)),
    "the last one slower, of scaled ones": (0.6 * REQUESTED * EPOCH, (1, 1, 1.3)),
    "the first one faster": (0.6 * REQUESTED * EPOCH, (0.5, 1, 1)),
    "as planned": (0.6 * REQUESTED * EPOCH, (1, 1, 1)),
}


@pytest.mark.parametrize("name", PACES)
def test_recipe_ends_within_its_budget_and_each_stage_at_the_end_of_its_cycle(
    drawn_tiles: Path, tmp_path: Path, clock: Clock, name: str
) -> None:
    seconds, paces = PACES[name]
    watch = Watch()
    results = run(drawn_tiles, tmp_path / "run", f"{seconds}s", clock, Pace(clock, *paces), watch)
    took = clock.now - 1000
    assert took <= seconds + paces[-1] * VALIDATION - VALIDATION  # which no plan could foresee
    assert took > seconds - max(paces) * (STEP + VALIDATION) - EPOCH
    assert watch.last_rates == [LAST] * 3
    assert sum(result.steps for result in results) == watch.steps
    assert watch.epochs == set(range(sum(result.epochs for result in results)))
    saved = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert saved["spent"] == pytest.approx(took)
    assert all(
        plan["stage"]["epochs"] <= stage["epochs"] for plan, stage in zip(saved["plans"], saved["stages"], strict=True)
    )
    log = read_run(tmp_path / "run")
    assert log.series["train/loss"].steps == list(range(watch.steps))
    assert log.series["val/loss"].steps[-1] == watch.steps - 1
    assert [start.first_step for start in log.stages] == [0, results[0].steps, results[0].steps + results[1].steps]


def epochs(results: list[StageResult]) -> list[int]:
    return [result.epochs for result in results]


def test_stages_get_back_up_to_the_requested_epochs_if_others_were_faster(
    drawn_tiles: Path, tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = 0.6 * REQUESTED * EPOCH
    results = run(drawn_tiles, tmp_path / "run", f"{seconds}s", clock, Pace(clock, 0.25, 0.25, 0.25))
    assert epochs(results) == [2, 6, 6]
    lines = " ".join(capsys.readouterr().out.split())
    assert (
        "budget 8.8m: 4 epochs of head scaled to 2, 6 epochs of all scaled to 3, 6 epochs of more scaled to 3." in lines
    )
    assert "budget: 0.5 of 8.8 minutes spent, 0.25 times the planned time: 3 epochs of all scaled to 6, 3 " in lines


def test_budget_that_is_long_enough_changes_nothing(drawn_tiles: Path, tmp_path: Path, clock: Clock) -> None:
    without = run(drawn_tiles, tmp_path / "without", None, clock)
    enough = run(drawn_tiles, tmp_path / "enough", "1h", clock)
    assert epochs(enough) == [4, 6, 6]
    assert [result.scores for result in enough] == [result.scores for result in without]


def test_stage_without_time_is_trained_for_an_epoch(drawn_tiles: Path, tmp_path: Path, clock: Clock) -> None:
    watch = Watch()
    results = run(drawn_tiles, tmp_path / "run", f"{3 * EPOCH}s", clock, Pace(clock, 20, 1, 1), watch)
    assert [result.steps for result in results] == [1, 5, 5]
    assert watch.last_rates == [LAST] * 3


RESUMED: dict[str, tuple[str, int]] = {  # the hook and the call of it that fails
    "in the second stage": ("on_train_batch_start", 30),
    "after the last validation of the second stage": ("on_train_epoch_end", 2 + 3),
    "after the training of the second stage": ("on_train_end", 2),
    "as the third stage begins": ("on_train_start", 3),
}


@pytest.mark.parametrize("place", RESUMED)
def test_resumed_run_has_the_rest_of_the_time_that_it_had(
    drawn_tiles: Path, tmp_path: Path, clock: Clock, place: str
) -> None:
    seconds = 0.6 * REQUESTED * EPOCH
    budget, slow = f"{seconds}s", (1.0, 1.3, 1.3, 1.3, 1.3)
    whole = run(drawn_tiles, tmp_path / "whole", budget, clock, Pace(clock, *slow))
    pace, folder = Pace(clock, *slow), tmp_path / "broken"
    with pytest.raises(BrokenOffError):
        run(drawn_tiles, folder, budget, clock, pace, BreakOff(*RESUMED[place]), every_n_steps=1)
    planned_before = json.loads((folder / "recipe.json").read_text())["plans"]
    clock.now += 86400  # which no one trained
    watch = Watch()
    results = run(drawn_tiles, folder, budget, clock, pace, watch, every_n_steps=1, resume=True)
    saved = json.loads((folder / "recipe.json").read_text())
    assert saved["plans"][:2] == planned_before[:2]
    assert saved["spent"] <= seconds + 0.3 * VALIDATION
    assert [result.steps for result in results] == [result.steps for result in whole]
    assert epochs(results) == epochs(whole) and epochs(whole)[:2] == [2, 3]
    assert watch.last_rates == [LAST] * len(watch.last_rates) != []
