"""How many epochs of a frozen stage fit into the same time if the encoder's features are cached, and how do they score?

The first stage of `configs/recipes/TASK_quick.yaml`, as it is and with `cache_features`. Times are those of the plan
of a recipe, measured in turn; scores are those of the stage's last validation, after as many epochs.

python benchmarks/frozen_stage.py camvid|biwi|planet DIR [--epochs 4] [--views 4] [--rounds 3] [--seeds 0 1 2]
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
import yaml
from train_step import made

from triptych.datamodules.base import TriptychDataModule
from triptych.recipe import Stage, run_recipe
from triptych.recipe.plan import StagePlan, plan_stage
from triptych.recipe.stage import fill
from triptych.tasks.base import TransferTask
from triptych.trainer.precision import fastest_precision

SETTINGS = {"accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}
WAYS = ("images", "features")


def fresh(config: dict[str, Any], root: str) -> tuple[TransferTask, TriptychDataModule]:
    """Model and data of a recipe, ready to train."""
    data, model = made(config["data"], root=root), made(config["model"])
    data.setup("fit")
    model.resolve(data.metadata)
    model.configure_model()
    model.prepare(data)
    return model, data


def measured(config: dict[str, Any], root: str, stages: dict[str, Stage], rounds: int) -> dict[str, list[StagePlan]]:
    """The plans of both ways, in turn; one more round before is the warm-up."""
    model, data = fresh(config, root)
    plans: dict[str, list[StagePlan]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way, stage in stages.items():
            plan = plan_stage(fill([stage], model, data, stage.precision)[0], model, data, SETTINGS)
            plans[way] += [plan] if turn else []
    return plans


def print_times(plans: dict[str, list[StagePlan]], epochs: int) -> None:
    images, features = (statistics.median(plan.seconds_per_epoch for plan in plans[way]) for way in WAYS)
    cached = plans["features"]
    view, count = statistics.median(plan.seconds_per_view for plan in cached), cached[0].num_views
    print(
        f"an epoch: {images:.1f} s from images, {features:.2f} s from features, {images / features:.1f} times as many"
    )
    print(f"{count} views: {count * view:.1f} s once, {count * cached[0].bytes_per_view / 1e6:.0f} MB")
    for number in (epochs, 5 * epochs):
        fitting = (number * images - count * view) / features
        print(f"in the time of {number} epochs from images: {fitting:.1f} from features, {fitting / number:.1f} times")


def score(config: dict[str, Any], root: str, stage: Stage, seed: int) -> float:
    """The first score of the last validation."""
    torch.manual_seed(seed)
    model, data = fresh(config, root)
    with tempfile.TemporaryDirectory() as folder:
        (result,) = run_recipe(model, data, [stage], SETTINGS, Path(folder, "run"), seed=seed)
    return next(iter(result.scores.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("camvid", "biwi", "planet"))
    parser.add_argument("root")
    for name, default in (("--epochs", 4), ("--views", 4), ("--rounds", 3)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    given = parser.parse_args()
    recipe = Path(__file__).parents[1] / "configs" / "recipes" / f"{given.task}_quick.yaml"
    config = yaml.safe_load(recipe.read_text())
    settings: dict[str, Any] = {**config["stages"][0], "epochs": given.epochs}
    settings["precision"] = fastest_precision({"accelerator": "cpu"}, *fresh(config, given.root))
    stages = {way: Stage(**settings, cache_features=given.views if way == "features" else None) for way in WAYS}
    print_times(measured(config, given.root, stages, given.rounds), given.epochs)
    for way, stage in stages.items():
        scores = [score(config, given.root, stage, seed) for seed in given.seeds]
        print(f"{way}: {', '.join(f'{one:.4f}' for one in scores)} with seeds {given.seeds}")


if __name__ == "__main__":
    main()
