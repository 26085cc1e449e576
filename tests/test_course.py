"""The recipes without `quick` train as the lesson does: rates, momentum and weights are fastai 1's at every step."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from triptych.cli import main
from triptych.cli.app import TriptychCLI
from triptych.lr_finder import with_found
from triptych.recipe.stage import FullStage, fill

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:lightning.pytorch.cli"),  # an older name of jsonargparse
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jsonargparse"),
]

ON_CPU = ["--trainer.accelerator", "cpu", "--trainer.precision", "32-true"]

RECIPES = Path(__file__).parents[1] / "configs" / "recipes"
STEPS = 7
"""Steps of an epoch; so the rise is no whole number of steps before it is rounded."""
FOUND = 1e-3
"""What a search finds."""


class Fit(NamedTuple):
    """A call of `fit_one_cycle` in the lesson's notebook, with the data that it trains on."""

    epochs: int
    lr: slice
    pct_start: float
    frozen: bool
    image_size: tuple[int, int]
    batch_size: int


LESSON = {
    "camvid": [
        Fit(10, slice(3e-3), 0.9, True, (360, 480), 8),
        Fit(12, slice(3e-3 / 400, 3e-3 / 4), 0.8, False, (360, 480), 8),
        Fit(10, slice(1e-3), 0.8, True, (720, 960), 4),
        Fit(10, slice(1e-6, 1e-3 / 10), 0.3, False, (720, 960), 4),
    ],
    "biwi": [
        Fit(5, slice(2e-2), 0.3, True, (120, 160), 64),
        Fit(5, slice(FOUND / 100, FOUND), 0.3, False, (120, 160), 64),  # ours; the lesson ends before it
    ],
    "planet": [
        Fit(5, slice(0.01), 0.3, True, (128, 128), 64),
        Fit(5, slice(1e-5, 0.01 / 5), 0.3, False, (128, 128), 64),
        Fit(5, slice(1e-2 / 2), 0.3, True, (256, 256), 64),
        Fit(5, slice(1e-5, 1e-2 / 2 / 5), 0.3, False, (256, 256), 64),
    ],
}

every_task = pytest.mark.parametrize("task", LESSON)


def lr_range(lr: slice, groups: int) -> list[float]:
    """`Learner.lr_range`, and `even_mults` in it."""
    if not lr.start:
        return [lr.stop / 10] * (groups - 1) + [lr.stop]
    step = (lr.stop / lr.start) ** (1 / (groups - 1))
    return [lr.start * step**i for i in range(groups)]


def annealed(start: float, end: float, n_iter: int) -> list[float]:
    """The values of a `Scheduler` with `annealing_cos` before each of its steps."""
    return [end + (start - end) / 2 * (math.cos(math.pi * n / n_iter) + 1) for n in range(n_iter)]


def one_cycle(steps: int, lr_max: float, pct_start: float) -> list[tuple[float, float]]:
    """Rate and momentum in each step, by `OneCycleScheduler` with its defaults."""
    a1 = int(steps * pct_start)
    a2 = steps - a1
    rates = annealed(lr_max / 25, lr_max, a1) + annealed(lr_max, lr_max / (25 * 1e4), a2)
    return list(zip(rates, annealed(0.95, 0.85, a1) + annealed(0.85, 0.95, a2), strict=True))


@pytest.fixture
def recipe(task: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[FullStage]]:
    """The command's objects for the recipe of a task, with a small encoder, and its stages."""
    ran: dict[str, Any] = {}
    monkeypatch.setattr(TriptychCLI, "_run_subcommand", lambda self, subcommand: ran.update(cli=self))
    monkeypatch.setattr(TriptychCLI, "after_recipe", lambda self: None, raising=False)
    small = ["--model.encoder", "timm-mobilenetv3_small_minimal_100", "--model.encoder_weights", "null"]
    main(["recipe", "--config", str(RECIPES / f"{task}.yaml"), *small, *ON_CPU])
    cli = ran["cli"]
    cli.model.resolve({"num_classes": 32, "num_labels": 17})
    cli.model.configure_model()
    cli.model.trainer = cli.trainer
    return cli, fill(cli.config_init.recipe.stages, cli.model, cli.datamodule, cli.trainer.precision)


def optimizers(cli: Any, stages: list[FullStage]) -> Iterator[tuple[FullStage, Any, Any]]:
    """Each stage with the optimizer and the schedule of its fit."""
    for stage in stages:
        stage.apply(cli.model, cli.datamodule, with_found(stage.max_lr, FOUND))
        made = cli.model.configure_optimizers()
        schedule = made["lr_scheduler"]["scheduler"]
        schedule.plan(stage.epochs * STEPS)
        yield stage, made["optimizer"], schedule


@every_task
def test_stages_are_the_fits_of_the_lesson(recipe: tuple[Any, list[FullStage]], task: str) -> None:
    cli, stages = recipe
    for stage, lesson in zip(stages, LESSON[task], strict=True):
        assert (stage.epochs, stage.freeze_to) == (lesson.epochs, -1 if lesson.frozen else 0)
        assert (stage.image_size, stage.batch_size) == (lesson.image_size, lesson.batch_size)
    assert cli.model.hparams["train_bn"]


@every_task
def test_rates_and_momentum_of_each_group_are_fastais_at_every_step(
    recipe: tuple[Any, list[FullStage]], task: str
) -> None:
    for (stage, optimizer, schedule), lesson in zip(optimizers(*recipe), LESSON[task], strict=True):
        steps = stage.epochs * STEPS
        peaks = lr_range(lesson.lr, groups=3)
        expected = list(zip(*(one_cycle(steps, peak, lesson.pct_start) for peak in peaks), strict=True))
        for of_groups in expected:
            for group, (rate, momentum) in zip(optimizer.param_groups, of_groups, strict=True):
                assert group["lr"] == pytest.approx(rate, rel=1e-9)
                assert group["betas"] == (pytest.approx(momentum, rel=1e-9), 0.99)
                assert group["weight_decay"] == 0.01
            optimizer.step()
            schedule.step()
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([peak / 250_000 for peak in peaks])


@every_task
def test_batch_norm_of_the_frozen_encoder_trains_at_a_tenth_of_the_rate(
    recipe: tuple[Any, list[FullStage]], task: str
) -> None:
    """The weights after each step are those of Adam with decoupled decay, written out, at fastai's rates."""
    cli, stages = recipe
    _, optimizer, schedule = next(optimizers(cli, stages))
    network, lesson = cli.model.network.train(), LESSON[task][0]
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = [[names[id(p)] for p in group["params"]] for group in optimizer.param_groups]
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    expected = {name: p.double() for name, p in before.items()}
    mean = {name: torch.zeros_like(p) for name, p in expected.items()}
    square = {name: torch.zeros_like(p) for name, p in expected.items()}
    cycles = [one_cycle(lesson.epochs * STEPS, peak, lesson.pct_start) for peak in lr_range(lesson.lr, groups=3)]
    torch.manual_seed(0)
    for step in range(3):
        images = torch.randint(256, (4, 3, 64, 64), dtype=torch.uint8)
        optimizer.zero_grad()
        network(images).square().mean().backward()
        gradients = {name: p.grad.double() for name, p in network.named_parameters() if p.grad is not None}
        for group, cycle in zip(groups, cycles, strict=True):
            rate, momentum = cycle[step]
            for name in set(group) & gradients.keys():
                mean[name] = momentum * mean[name] + (1 - momentum) * gradients[name]
                square[name] = 0.99 * square[name] + 0.01 * gradients[name] ** 2
                direction = mean[name] / (1 - momentum ** (step + 1))
                size = (square[name] / (1 - 0.99 ** (step + 1))).sqrt() + 1e-8
                expected[name] = (1 - 0.01 * rate) * expected[name] - rate * direction / size
        optimizer.step()
        schedule.step()
    after = dict(network.named_parameters())
    for name, weight in expected.items():
        torch.testing.assert_close(after[name].double(), weight, rtol=1e-5, atol=1e-7)
    norms = (name for name, module in network.encoder.named_modules() if isinstance(module, nn.BatchNorm2d))
    trained = {f"encoder.{name}.{kind}" for name in norms for kind in ("weight", "bias")}
    assert {name for name in gradients if name.startswith("encoder.")} == trained
    assert all(not torch.equal(after[name], before[name]) for name in trained)
