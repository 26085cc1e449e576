"""`triptych fit` beside files of the user and of other runs, and its closing words."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from command_line import QUIET, fails, files, printed_by
from small_fit import TINY

pytestmark = [QUIET, pytest.mark.filterwarnings("ignore:Experiment logs directory:UserWarning")]  # CSVLogger's

LOGGERS = "lightning.pytorch.loggers"
MONITORED = {"monitor": "val/loss", "filename": "best", "enable_version_counter": False}


@pytest.fixture
def own_yaml(drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's `config.yaml` in the current folder: no logger, no callbacks."""
    data = {"root": str(drawn_streets), "image_size": [32, 32], "batch_size": 4, "num_workers": 0}
    trainer = {"accelerator": "cpu", "max_epochs": 1, "limit_train_batches": 1, "limit_val_batches": 1}
    config = {
        "model": {"class_path": "triptych.UNetSegmenter", "init_args": dict(TINY)},
        "data": {"class_path": "triptych.CamVidDataModule", "init_args": data},
        "trainer": {**trainer, "enable_progress_bar": False, "enable_model_summary": False},
    }
    path = tmp_path / "config.yaml"
    path.write_text("# a user's own file\n" + yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    return path


def fit(own_yaml: Path, *more: str) -> list[str]:
    """The lines that a fit prints at its end."""
    before = own_yaml.read_bytes()
    printed = printed_by(["fit", "--config", str(own_yaml), *more])
    assert own_yaml.read_bytes() == before
    closing = re.compile("^(score|checkpoint|curves|nothing left to train): ")
    return [line for line in printed.splitlines() if closing.match(line)]


def callbacks(*classes: dict[str, object]) -> list[str]:
    return ["--trainer.callbacks", str(list(classes))]


RESUME_POINT = {"class_path": "triptych.callbacks.ResumePoint"}
BEST = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": MONITORED}


def test_fit_without_a_logger_leaves_the_users_own_files_alone(own_yaml: Path) -> None:
    (own_yaml.parent / "checkpoints").mkdir()
    (own_yaml.parent / "checkpoints" / "last.ckpt").write_text("mine")
    for number in range(2):
        closing = fit(own_yaml, "--trainer.logger", "false", *callbacks(BEST, RESUME_POINT))
        assert closing[1] == f"checkpoint: {own_yaml.parent}/version_{number}/checkpoints/best.ckpt"
    assert (own_yaml.parent / "checkpoints" / "last.ckpt").read_text() == "mine"
    run = {"config.yaml", "checkpoints", "checkpoints/best.ckpt", "checkpoints/last.ckpt"}
    assert files(own_yaml.parent / "version_0") == files(own_yaml.parent / "version_1") == run


@pytest.mark.parametrize("logger", ["false", f"{LOGGERS}.CSVLogger"])
def test_last_resumes_the_newest_run_in_its_folder_and_a_finished_one_has_nothing_left(
    own_yaml: Path, logger: str
) -> None:
    save_dir = ["--trainer.logger.save_dir", "."] if logger.endswith("CSVLogger") else []
    more = ["--trainer.logger", logger, *save_dir, *callbacks(RESUME_POINT)]
    for _ in range(2):
        checkpoint = fit(own_yaml, *more)[0].removeprefix("checkpoint: ")
    runs = Path(checkpoint).parents[2]
    assert checkpoint == f"{runs}/version_1/checkpoints/last.ckpt"
    resume = [*more, "--ckpt_path", "last", "--trainer.max_epochs", "2"]
    assert Path(fit(own_yaml, *resume)[0].removeprefix("checkpoint: ")).resolve() == Path(checkpoint).resolve()
    assert torch.load(checkpoint, weights_only=True)["epoch"] == 1
    before = files(own_yaml.parent)
    (answer,) = fit(own_yaml, *resume)
    assert re.fullmatch(
        r"nothing left to train: \S*version_1/checkpoints/last\.ckpt has 2 epochs of .*_epochs 2; give more, .*",
        answer,
    )
    assert files(own_yaml.parent) == before
    assert {path.name for path in runs.glob("version_*")} == {"version_0", "version_1"}


def test_closing_words_without_a_score_name_checkpoint_and_curves(own_yaml: Path) -> None:
    checkpoint, curves = fit(own_yaml)
    assert checkpoint == f"checkpoint: {own_yaml.parent}/lightning_logs/version_0/checkpoints/epoch=0-step=1.ckpt"
    assert re.fullmatch(rf"curves: \S*tensorboard --logdir {own_yaml.parent}/lightning_logs", curves)
    assert fit(own_yaml, "--trainer.enable_checkpointing", "false")[0].startswith("curves: ")


@pytest.mark.parametrize(("limit", "value"), [("max_epochs", "1"), ("max_steps", "1")])
def test_finished_checkpoint_trains_nothing_and_makes_no_folder(own_yaml: Path, limit: str, value: str) -> None:
    checkpoint = fit(own_yaml, *callbacks(BEST))[1].removeprefix("checkpoint: ")
    before = files(own_yaml.parent)
    answer = fit(own_yaml, "--ckpt_path", checkpoint, "--trainer.max_epochs", "5", f"--trainer.{limit}", value)
    assert answer == [
        f"nothing left to train: {checkpoint} has 1 {limit[4:]} of --trainer.{limit} 1; "
        f"give more, such as --trainer.{limit} 2."
    ]
    assert files(own_yaml.parent) == before


def test_failed_resume_leaves_no_folder(own_yaml: Path) -> None:
    checkpoint = fit(own_yaml)[0].removeprefix("checkpoint: ")
    before = files(own_yaml.parent)
    for logger in ("false", "true"):
        more = ["--ckpt_path", checkpoint, "--trainer.max_epochs", "2", "--data.classes", "11"]
        fails(["fit", "--config", str(own_yaml), "--trainer.logger", logger, *more], "num_classes: .*")
        assert files(own_yaml.parent) == before
