"""A plan's numbers against hand arithmetic, and no trace of it in the model."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stage_plans import planned

from triptych import CamVidDataModule, UNetSegmenter
from triptych.callbacks import Mistakes
from triptych.models.layer_groups import batch_norms
from triptych.recipe import Stage
from triptych.recipe.plan import plan_stage
from triptych.recipe.stage import fill

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

ON_CPU = {"accelerator": "cpu", "devices": 1}


def test_seconds_of_a_stage_are_those_of_its_parts() -> None:
    plan = planned("a", 6, seconds_besides=5.0, seconds_per_epoch=10.0, seconds_per_validation=3.0)
    assert plan.seconds == 5 + 6 * 10 + 6 * 3


@pytest.mark.parametrize(("epochs", "at_most", "every"), [(6, 1, 1), (6, 4, 3), (6, 9, 6), (7, 6, 1), (1, 6, 1)])
def test_last_epoch_is_followed_by_a_validation(epochs: int, at_most: int, every: int) -> None:
    plan = planned("a", epochs, validate_every=at_most, seconds_per_epoch=10.0, seconds_per_validation=3.0)
    assert plan.epochs_per_validation == every
    assert plan.seconds == epochs * 10 + epochs // every * 3


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
