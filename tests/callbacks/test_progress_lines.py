"""Where the output is no terminal, a fit, a validation and a prediction print a line every 30 seconds."""

import re
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from clock import Clock
from lightning.pytorch.demos.boring_classes import BoringModel
from rich import reconfigure
from small_fit import TINY
from torch import Tensor

from triptych import MultiLabelClassifier, PlanetDataModule, Stage, run_recipe
from triptych.callbacks import ProgressBar, progress_lines

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers", "ignore:.*logging interval", "ignore:.*LeafSpec"
)


class Scored(BoringModel):
    """Logs what a segmenter logs, with a loss of 0.25 and a score of 0.5."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss: Tensor = 0 * self.step(batch) + 0.25
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val/f2", 0.5, prog_bar=True, batch_size=1)


class BatchClock(Clock):
    """A clock that each batch moves, of an evaluation too."""

    def __init__(self, patch: pytest.MonkeyPatch, step: float) -> None:
        super().__init__(patch, step, places=["triptych.callbacks.progress_lines"])
        patch.setattr(progress_lines, "EVERY", 30.0)

    on_validation_batch_start = on_test_batch_start = on_predict_batch_start = Clock.on_train_batch_start


def lines(
    capsys: pytest.CaptureFixture[str], function: str, bar: ProgressBar, clock: Clock, **settings: Any
) -> list[str]:
    """The lines with times that a Trainer prints."""
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False, "accelerator": "cpu"}
    limits = {f"limit_{split}_batches": 10 for split in ("train", "val", "test", "predict")}
    trainer = L.Trainer(**{**quiet, **limits, "num_sanity_val_steps": 0, **settings}, callbacks=[bar, clock])
    getattr(trainer, function)(Scored())
    return [line for line in capsys.readouterr().out.splitlines() if " passed" in line]


def test_fit_prints_its_progress_and_the_time_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = BatchClock(monkeypatch, 8)
    assert lines(capsys, "fit", ProgressBar(), clock, max_epochs=2) == [
        "epoch 1 of 2, batch 4 of 10, train/loss: 0.250; 0:00:32 passed, 0:02:08 left",
        "epoch 1 of 2, batch 8 of 10, train/loss: 0.250; 0:01:04 passed, 0:01:36 left",
        "epoch 1 of 2, validation batch 2 of 10, train/loss: 0.250; 0:01:36 passed, 0:01:36 left",
        "epoch 1 of 2, validation batch 6 of 10, train/loss: 0.250; 0:02:08 passed, 0:02:08 left",
        "epoch 1 of 2, validation batch 10 of 10, train/loss: 0.250; 0:02:40 passed, 0:02:40 left",
        "epoch 2 of 2, batch 4 of 10, train/loss: 0.250, val/f2: 0.500; 0:03:12 passed, 0:01:22 left",
        "epoch 2 of 2, batch 8 of 10, train/loss: 0.250, val/f2: 0.500; 0:03:44 passed, 0:00:25 left",
        "epoch 2 of 2, validation batch 2 of 10, train/loss: 0.250, val/f2: 0.500; 0:04:16 passed",
        "epoch 2 of 2, validation batch 6 of 10, train/loss: 0.250, val/f2: 0.500; 0:04:48 passed",
        "epoch 2 of 2, validation batch 10 of 10, train/loss: 0.250, val/f2: 0.500; 0:05:20 passed",
        "epoch 2 of 2, train/loss: 0.250, val/f2: 0.500; 0:05:20 passed",
    ]


def test_time_limit_bounds_the_time_that_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = BatchClock(monkeypatch, 35)
    first = lines(capsys, "fit", ProgressBar(), clock, max_epochs=-1, max_time={"seconds": 100})[0]
    assert first == "epoch 1, batch 1 of 10, train/loss: 0.250; 0:00:35 passed, 0:01:05 left"


@pytest.mark.parametrize("function", ["validate", "test", "predict"])
def test_evaluation_prints_its_progress_if_it_lasts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    assert lines(capsys, function, ProgressBar(), BatchClock(monkeypatch, 2.9)) == []
    assert lines(capsys, function, ProgressBar(), BatchClock(monkeypatch, 10)) == [
        f"{function}: batch 3 of 10; 0:00:30 passed, 0:01:10 left",
        f"{function}: batch 6 of 10; 0:01:00 passed, 0:00:40 left",
        f"{function}: batch 9 of 10; 0:01:30 passed, 0:00:10 left",
    ]


def test_no_line_in_other_processes_and_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, terminal = ProgressBar(), ProgressBar()
    other.disable()
    terminal._console_kwargs = {"force_terminal": True}
    monkeypatch.setenv("TERM", "xterm")
    try:
        for bar in (other, terminal):
            assert lines(capsys, "fit", bar, BatchClock(monkeypatch, 10), max_epochs=1) == []
        monkeypatch.setenv("TERM", "dumb")
        assert lines(capsys, "fit", terminal, BatchClock(monkeypatch, 10), max_epochs=1) != []
    finally:
        reconfigure()  # the bar of a terminal has changed the console of the whole process


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning")
def test_lines_of_a_recipe_name_its_stage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, drawn_tiles: Path, tmp_path: Path
) -> None:
    bar = ProgressBar()
    settings = {"accelerator": "cpu", "callbacks": [bar, BatchClock(monkeypatch, 31)], "limit_train_batches": 1}
    data = PlanetDataModule(str(drawn_tiles), image_size=(32, 32), batch_size=12)
    stages = [Stage("head", epochs=1, max_lr=1e-3), Stage("all")]
    run_recipe(MultiLabelClassifier(**TINY), data, stages, settings, tmp_path / "run", seed=0)
    printed = capsys.readouterr().out
    for number in (1, 2):
        assert re.search(
            rf"^stage {number} of 2, epoch 1 of 1, batch 1 of 1, train/loss: \d\.\d+; ", printed, re.MULTILINE
        )
    assert bar.title == ""
