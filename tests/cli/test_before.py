"""A recipe that begins with another starts from its encoder, and goes on wherever one of the two was interrupted."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from command_line import QUIET, fails, files, printed_by
from jsonargparse import Namespace

from triptych.cli.before import arguments_before
from triptych.tasks.base import TransferTask

pytestmark = QUIET

TINY = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
LOGGER = {
    "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
    "init_args": {"save_dir": "runs", "name": "tiny"},
}
TRAINER = {"accelerator": "cpu", "log_every_n_steps": 1, "logger": LOGGER, "enable_progress_bar": False}
PLANNING = 11
"""Training batches of the plan of a stage."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the command."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def part(class_path: str, **init_args: Any) -> dict[str, Any]:
    return {"class_path": f"triptych.{class_path}", "init_args": init_args}


@pytest.fixture
def configs(here: Path, drawn_portraits: Path, drawn_streets: Path) -> list[str]:
    """Arguments for a recipe of masks after one of points, in files beside each other outside the working directory."""
    small = {"image_size": [32, 48], "batch_size": 4}
    stages = [{"name": "all", "freeze_to": 0, "epochs": 2, "max_lr": 1e-3}]
    first = {
        "model": part("PointRegressor", **TINY),
        "data": part("BIWIDataModule", root=str(drawn_portraits), **small),
        "trainer": {**TRAINER, "logger": {**LOGGER, "init_args": {"save_dir": "runs", "name": "points"}}},
        "stages": stages,
    }
    second = {
        "before": "points.yaml",
        "model": part("UNetSegmenter", **TINY),
        "data": part("CamVidDataModule", root=str(drawn_streets), **small),
        "trainer": TRAINER,
        "stages": stages,
    }
    for name, content in (("points", first), ("masks", second)):
        Path("..", f"{name}.yaml").write_text(yaml.safe_dump(content))
    return ["--config", "../masks.yaml"]


class KilledError(Exception):
    """Simulates a kill."""


def batches(args: list[str], after: int = 10**9) -> list[str]:
    """The model of each training batch of a command, which is killed after a number of them."""
    seen, step = list[str](), TransferTask.training_step

    def training_step(self: TransferTask, batch: Any, batch_idx: int) -> torch.Tensor:
        if len(seen) == after:
            raise KilledError
        seen.append(type(self).__name__)
        return step(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransferTask, "training_step", training_step)
        try:
            printed_by(args)
        except KilledError:
            assert len(seen) == after
    return seen


def weights(run: str, name: str = "1-all") -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(Path(run, "checkpoints", f"{name}.ckpt"), weights_only=True)[
        "state_dict"
    ]
    return state


@pytest.mark.slow
def test_both_are_run_then_killed_in_each_and_resumed(here: Path, configs: list[str]) -> None:
    args = ["recipe", *configs, "--every_n_steps", "1"]
    trained = batches(args)
    points, masks = trained.count("PointRegressor"), trained.count("UNetSegmenter")
    assert trained == points * ["PointRegressor"] + masks * ["UNetSegmenter"]
    assert {path.name for path in Path("runs").iterdir()} == {"tiny"}
    both = {"config.yaml", "recipe.json", "before/config.yaml", "before/recipe.json"}
    assert both <= files(Path("runs/tiny/version_0"))
    saved = yaml.safe_load(Path("runs/tiny/version_0/config.yaml").read_text())
    assert saved["before"] == str((here.parent / "points.yaml").resolve())
    assert saved["model"]["init_args"]["encoder_weights"] == "runs/tiny/version_0/before/checkpoints/1-all.ckpt"

    for after in (PLANNING + 2, points + PLANNING + 3):
        assert len(batches(args, after)) == after
        batches([*args, "--resume"])
        runs = sorted(Path("runs/tiny").iterdir())
        for folder in ("", "before"):
            whole, resumed = weights(f"{runs[0]}/{folder}"), weights(f"{runs[-1]}/{folder}")
            torch.testing.assert_close(resumed, whole, rtol=0, atol=0)
    assert [run.name for run in runs] == ["version_0", "version_1", "version_2"]
    fails(
        [*args, "--resume", "--seed_everything", "3"],
        r"runs/tiny/version_2: this run cannot be resumed: seed_everything was 0, now 3; start a new one, .*",
    )


def test_second_starts_from_the_encoder_of_the_first(
    here: Path, configs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def training_step(self: TransferTask, batch: Any, batch_idx: int) -> torch.Tensor:
        if type(self).__name__ == "UNetSegmenter" and not starts:
            starts.append({name: tensor.clone() for name, tensor in self.state_dict().items() if "encoder" in name})
        return step(self, batch, batch_idx)

    step = TransferTask.training_step
    monkeypatch.setattr(TransferTask, "training_step", training_step)
    printed_by(["recipe", *configs])
    first = weights("runs/tiny/version_0/before")
    parameters = [name for name in starts[0] if name.endswith((".weight", ".bias"))]
    assert len(parameters) > 50
    for name in parameters:
        torch.testing.assert_close(starts[0][name], first[name], rtol=0, atol=0)


def test_dry_run_prints_both_plans_and_writes_nothing(here: Path, configs: list[str]) -> None:
    printed = printed_by(["recipe", *configs, "--dry_run"])
    assert len(re.findall(r"^plan: \S+ minutes in 1 stages", printed, re.MULTILINE)) == 2
    assert "before: it is not trained yet, so this plan is made with random weights." in printed
    assert files(here) == set()


BAD: dict[str, tuple[list[str], str]] = {
    "an encoder of its own": (
        ["--model.encoder_weights", "imagenet"],
        r"model\.encoder_weights: expected null, as the encoder is that of the recipe before, got imagenet\.",
    ),
    "no run folder": (
        ["--trainer.logger", "false"],
        r"before: expected one of TensorBoardLogger, CSVLogger among trainer\.logger, .*, got none\.",
    ),
    "no file": (["--before", "gone.yaml"], r"before: \S*gone\.yaml does not exist; expected a YAML file, .*"),
    "no name": (["--before", "gone"], r"config: expected a YAML file, or one of .*, got gone\."),
    "nothing to resume": (
        ["--resume"],
        r"runs/tiny: expected a run to resume, with before/recipe\.json in it, found none\.",
    ),
}


@pytest.mark.parametrize("mistake", BAD)
def test_mistake_is_reported_in_one_line(here: Path, configs: list[str], mistake: str) -> None:
    more, words = BAD[mistake]
    fails(["recipe", *configs, *more], words)
    assert files(here) == set()


def test_first_gets_what_was_typed_except_what_its_file_sets_otherwise(tmp_path: Path) -> None:
    own = {"first": {"root": "data", "batch_size": 64, "mode": "lm"}, "second": {"root": "data", "batch_size": 8}}
    paths = {name: str(tmp_path / f"{name}.yaml") for name in own}
    for name, init_args in own.items():
        Path(paths[name]).write_text(yaml.safe_dump({"data": part("CamVidDataModule", **init_args)}))
    same, both = ["--data.root", "DIR", "--data.init_args.seed=3"], ["--trainer.devices", "1", "--seed_everything=5"]
    args = [
        "recipe",
        "--config",
        paths["second"],
        *same,
        "--data.batch_size",
        "2",
        *both,
        "--model.max_lr",
        "-1",
        "--budget=3m",
    ]
    config = Namespace(before=paths["first"], data=Namespace(class_path="triptych.CamVidDataModule"))
    passed = ["--trainer.devices=1", "--seed_everything=5", "--data.root=DIR", "--data.init_args.seed=3"]
    assert arguments_before(args, config) == ["recipe", "--config", paths["first"], *passed]
    config.data.class_path = "triptych.BIWIDataModule"
    assert arguments_before(args, config) == ["recipe", "--config", paths["first"], *passed[:2]]
