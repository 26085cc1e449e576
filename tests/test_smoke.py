"""Each task from fit to export on the command line; `make test-oldest` runs this with the oldest admitted packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_line import QUIET, config_args, fails, finished_fit, printed_by, runs_in

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning")]

DATA = {"camvid": "drawn_streets", "biwi": "drawn_portraits", "planet": "drawn_tiles", "imdb": "drawn_reviews"}
"""The fixture with data of each task."""


@pytest.mark.slow
@pytest.mark.parametrize("task", DATA)
def test_a_task_is_fitted_scored_predicted_resumed_reported_and_exported(
    task: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = finished_fit(task, request.getfixturevalue(DATA[task]), tmp_path, "--trainer.max_epochs", "1")
    assert "val/loss" in run.call("validate")
    run.call("predict")
    assert list((run.folder / "predictions").rglob("*.*"))
    before = steps(run.folder)
    printed_by(["fit", *run.args, *runs_in(tmp_path, "first"), "--ckpt_path", "last", "--trainer.max_epochs", "2"])
    assert steps(run.folder) > before
    report = Path(printed_by(["report", str(run.folder)]).split()[-1])
    assert "Left out" not in report.read_text(encoding="utf-8")
    exported = printed_by(["export", str(run.folder)]).split()[-1]
    assert printed_by(["score", exported, "--config", str(run.folder / "config.yaml")])


def steps(run: Path) -> int:
    """The optimizer steps that the last checkpoint of a run has taken."""
    return int(torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"])


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--model.num_classes", "many", r"model\.num_classes: expected a whole number or null, got many\."),
        ("--epochs", "3", "unrecognized arguments: --epochs 3"),
    ],
)
def test_a_mistake_is_one_line(option: str, value: str, words: str, tmp_path: Path) -> None:
    fails(["fit", *config_args("camvid", tmp_path), option, value], words)


def test_tensorboard_command_starts() -> None:
    command = shutil.which("tensorboard", path=str(Path(sys.executable).parent))
    assert command is not None
    subprocess.run([command, "--version"], check=True, capture_output=True)
