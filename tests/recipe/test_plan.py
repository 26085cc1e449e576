"""A plan's numbers against hand arithmetic, no trace of it in the model, and budgets that are kept."""

import math
import operator
import random
import re
from itertools import accumulate, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from triptych import CamVidDataModule, UNetSegmenter
from triptych.callbacks import Mistakes
from triptych.models.layer_groups import batch_norms
from triptych.recipe import Stage
from triptych.recipe.plan import StagePlan, fit_budget, plan_stage, read_budget, replace_epochs
from triptych.recipe.stage import FullStage, fill

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

ON_CPU = {"accelerator": "cpu", "devices": 1}


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


def planned(name: str, epochs: int, **seconds: Any) -> StagePlan:
    """A plan that takes the seconds that are given."""
    stage = FullStage(
        name=name,
        epochs=epochs,
        freeze_to=0,
        image_size=(32, 48),
        batch_size=4,
        max_lr=1e-3,
        pct_start=0.25,
        weight_decay=0.01,
        precision="32-true",
        augment=True,
        sample_weights="even",
    )
    timing = {"seconds_besides": 0.0, "seconds_per_validation": 0.0, "validate_every": 1, **seconds}
    return StagePlan(stage, trainable=1, parameters=1, steps=2, memory=0, **timing)


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


def test_seconds_of_a_stage_are_those_of_its_parts() -> None:
    plan = planned("a", 6, seconds_besides=5.0, seconds_per_epoch=10.0, seconds_per_validation=3.0)
    assert plan.seconds == 5 + 6 * 10 + 6 * 3


@pytest.mark.parametrize(("epochs", "at_most", "every"), [(6, 1, 1), (6, 4, 3), (6, 9, 6), (7, 6, 1), (1, 6, 1)])
def test_last_epoch_is_followed_by_a_validation(epochs: int, at_most: int, every: int) -> None:
    plan = planned("a", epochs, validate_every=at_most, seconds_per_epoch=10.0, seconds_per_validation=3.0)
    assert plan.epochs_per_validation == every
    assert plan.seconds == epochs * 10 + epochs // every * 3


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


def fresh(root: Path, **hyper_parameters: Any) -> tuple[UNetSegmenter, CamVidDataModule]:
    """A built model, and data set up: eight frames to train on."""
    data = CamVidDataModule(str(root), image_size=(32, 48), batch_size=3)
    data.setup("fit")
    encoder = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
    model = UNetSegmenter(num_classes=32, **encoder, **hyper_parameters)
    model.resolve(data.metadata)
    return model, data


COUNTS: dict[str, tuple[dict[str, Any], int]] = {  # eight frames in batches of three make three batches
    "all batches": ({}, 3),
    "accumulated, the last window short": ({"accumulate_grad_batches": 2}, 2),
    "limited to a number": ({"limit_train_batches": 2}, 2),
    "limited to one": ({"limit_train_batches": 1}, 1),
    "limited to a fraction": ({"limit_train_batches": 0.7}, 2),
    "no limit": ({"limit_train_batches": 1.0}, 3),
    "limited and accumulated": ({"limit_train_batches": 1, "accumulate_grad_batches": 2}, 1),
}


@pytest.mark.parametrize("count", COUNTS)
def test_steps_of_an_epoch_are_counted_as_the_fit_will_take_them(drawn_streets: Path, count: str) -> None:
    settings, steps = COUNTS[count]
    model, data = fresh(drawn_streets)
    (stage,) = fill([Stage("a", 2)], model, data, "32-true")
    assert plan_stage(stage, model, data, {**ON_CPU, **settings}).steps == steps


@pytest.mark.parametrize("train_bn", [True, False])
def test_trainable_parameters_are_those_of_the_unfrozen_groups(drawn_streets: Path, train_bn: bool) -> None:
    model, data = fresh(drawn_streets, train_bn=train_bn)
    assert model.network is not None
    sizes = {name: sum(p.numel() for p in group) for name, group in model.network.layer_groups().items()}
    norms = sum(p.numel() for norm in batch_norms(model.network.encoder) for p in norm.parameters())
    stages = fill([Stage("a", 1, freeze_to=-1), Stage("b", freeze_to=0)], model, data, "32-true")
    head, everything = [plan_stage(stage, model, data, ON_CPU) for stage in stages]
    assert head.trainable == sizes["head"] + (norms if train_bn else 0)
    assert everything.trainable == everything.parameters == head.parameters == sum(sizes.values())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_plan_leaves_no_trace(drawn_streets: Path, precision: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = fresh(drawn_streets, max_lr=2e-3, freeze_to=1)
    given = {"freeze_to": -1, "image_size": (48, 64), "batch_size": 2, "augment": False, "pct_start": 0.7}
    (stage,) = fill([Stage("a", 2, max_lr=["find/10", "find"], **given)], model, data, precision)
    before = traces(model, data)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plan = plan_stage(stage, model, data, {**ON_CPU, "check_val_every_n_epoch": 2})
    torch.testing.assert_close(dict(model.state_dict()), weights, rtol=0, atol=0)
    assert traces(model, data) == before
    assert capsys.readouterr() == ("", "")
    assert (plan.stage, plan.steps, plan.validate_every) == (stage, 4, 2)
    assert min(plan.seconds_besides, plan.seconds_per_epoch, plan.seconds_per_validation, plan.memory) > 0
    assert plan.rates(["early", "late", "head"]) == {}


def traces(model: UNetSegmenter, data: CamVidDataModule) -> list[Any]:
    """All that a plan has to leave as it was, beside the weights."""
    assert model.network is not None
    return [
        [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()],
        [p.requires_grad for p in model.parameters()],
        [module.training for module in model.network.modules()],
        dict(model.hparams),
        (data.image_size, data.batch_size, data.augment, data.first_epoch),
    ]


def test_search_is_planned_for_if_a_rate_is_to_be_found(drawn_streets: Path) -> None:
    model, data = fresh(drawn_streets)
    stages = fill([Stage("a", 1, max_lr=[1e-4, 1e-2]), Stage("b", max_lr="find")], model, data, "32-true")
    typed, found = [plan_stage(stage, model, data, ON_CPU) for stage in stages]
    assert found.seconds_besides > 50 * found.seconds_per_epoch / 3  # a hundred steps; three are an epoch
    assert typed.seconds_besides < found.seconds_besides
    assert typed.rates(["early", "late", "head"]) == pytest.approx({"early": 1e-4, "late": 1e-3, "head": 1e-2})


def test_what_is_drawn_at_the_end_is_planned_for(drawn_streets: Path) -> None:
    model, data = fresh(drawn_streets)
    (stage,) = fill([Stage("a", 1, max_lr=1e-3)], model, data, "32-true")
    plan = plan_stage(stage, model, data, {**ON_CPU, "callbacks": [Mistakes()]})
    assert plan.seconds_besides > 2 * plan.seconds_per_validation > 0
