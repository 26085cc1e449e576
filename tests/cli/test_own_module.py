"""A module and data of one's own are searched, fitted and run in stages by their class paths."""

import re
from pathlib import Path
from typing import Any

import own_module
import pytest
import torch
import yaml
from command_line import QUIET, fails, files, printed_by

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")]

CONFIG: dict[str, Any] = {
    "model": {"class_path": "own_module.Mixed", "init_args": {"max_lr": "find"}},
    "data": {"class_path": "own_module.Table"},
    "trainer": {
        **{"accelerator": "cpu", "log_every_n_steps": 1, "enable_progress_bar": False, "precision": "auto"},
        "logger": {
            "class_path": "lightning.pytorch.loggers.TensorBoardLogger",
            "init_args": {"save_dir": "runs", "name": "own"},
        },
    },
}
STAGES = [
    {"name": "head", "freeze_to": -1, "epochs": 2},
    {"name": "all", "freeze_to": 0, "epochs": 2, "max_lr": [1e-3, 1e-2]},
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def config(**changed: Any) -> list[str]:
    Path("../own.yaml").write_text(yaml.safe_dump({**CONFIG, **changed}))
    return ["--config", "../own.yaml"]


@pytest.mark.parametrize("module", ["Mixed", "Plain"])
def test_rate_is_searched(module: str) -> None:
    model = {"class_path": f"own_module.{module}"}
    printed = printed_by(["lr-find", *config(model=model), "--num_steps", "30"])
    assert "curve: runs/own/version_0/lr_find/lr_find.png" in printed.splitlines()


def test_fit_finds_its_rate_and_resumes() -> None:
    printed_by(["fit", *config(), "--trainer.max_epochs", "1"])
    (checkpoint,) = Path("runs/own").rglob("*.ckpt")
    saved = torch.load(checkpoint, weights_only=True)
    assert isinstance(saved["hyper_parameters"]["max_lr"], float)
    printed_by(["fit", *config(), "--trainer.max_epochs", "2", "--ckpt_path", str(checkpoint)])
    assert len([*Path("runs/own").rglob("*.ckpt")]) == 2
    printed = printed_by(["validate", *config(), "--ckpt_path", str(checkpoint)])
    assert re.search(r"val/loss", printed)


class KilledError(Exception):
    """Simulates a kill."""


def test_stages_are_run_killed_and_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    args = ["recipe", *config(stages=STAGES), "--trainer.precision", "32-true"]  # auto may differ from run to run
    printed = printed_by([*args, "--every_n_steps", "1"])
    assert "every_n_steps: not used, since Table goes on after whole epochs alone." in printed
    assert re.search(r"^score: val/loss [\d.]+$", printed, re.MULTILINE)
    step, seen = own_module.Mixed.training_step, [0]

    def training_step(self: own_module.Mixed, batch: Any, batch_idx: int) -> torch.Tensor:
        seen[0] += self.trainer.max_epochs == 2  # not those of the plan
        if seen[0] == 18:  # in the last epoch of the second stage
            raise KilledError
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(own_module.Mixed, "training_step", training_step)
        printed_by(args)
    printed_by([*args, "--resume"])
    whole, resumed = (
        torch.load(Path(f"runs/own/version_{number}/checkpoints/2-all.ckpt"), weights_only=True)["state_dict"]
        for number in (0, 1)
    )
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)


def test_plain_module_has_no_stages() -> None:
    args = ["recipe", *config(model={"class_path": "own_module.Plain"}, stages=STAGES)]
    fails(args, r"model: expected a OneCycleTraining, got Plain; subclass triptych\.OneCycleTraining instead of .*\.")
    assert files(Path()) == set()
