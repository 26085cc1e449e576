"""Where memory runs out, a stage goes on in smaller parts as the fit by hand does, and forgets nothing."""

import json
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from small_fit import TINY, BreakOff, BrokenOffError, Diary, LittleMemory, differences

from triptych import CamVidDataModule, Stage, UNetSegmenter, find_lr, run_recipe
from triptych.errors import MemoryLimitError
from triptych.runs.log import read_run

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]

SETTINGS: dict[str, Any] = {
    **{"accelerator": "cpu", "devices": 1, "log_every_n_steps": 1},
    **{"enable_progress_bar": False, "enable_model_summary": False},
}
STAGES = [Stage("head", 3, freeze_to=-1, max_lr=1e-3), Stage("all", 1, freeze_to=0)]
"""Of eight frames in batches of four: six steps and two."""


class Memory(L.Callback):
    """Runs out with more than `most` samples, from the given batch of all fits on, counted from 1."""

    def __init__(self, most: int, at: int) -> None:
        self.most, self.left = most, at

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, _: int) -> None:
        self.left -= 1
        if self.left <= 0 and len(batch["image"]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def objects(root: Path, batch_size: Any = 4) -> tuple[UNetSegmenter, CamVidDataModule]:
    return UNetSegmenter(**TINY), CamVidDataModule(str(root), (32, 48), batch_size)


def run(
    root: Path, folder: Path, *callbacks: L.Callback, batch_size: Any = 4, stages: list[Stage] = STAGES, **more: Any
) -> UNetSegmenter:
    """The trained model of a recipe that saves after each step."""
    model, data = objects(root, batch_size)
    settings = {**SETTINGS, "callbacks": list(callbacks), **more.pop("settings", {})}
    run_recipe(model, data, stages, settings, folder, **{"every_n_steps": 1, "seed": 0, **more})
    return model


def micro_batches(folder: Path) -> list[int]:
    return [plan["micro_batches"] for plan in json.loads((folder / "recipe.json").read_text())["plans"]]


def samples_by_epoch(diary: Diary) -> list[int]:
    """Number of different samples in each epoch, of which none may be repeated."""
    assert len(diary.samples) == len({*diary.samples})
    return [len([path for epoch, path in diary.samples if epoch == number]) for number in range(3)]


@pytest.mark.parametrize("at", [2, 3, 6])  # within an epoch, at the start of one, before the last step
def test_a_stage_goes_on_from_its_last_point_in_half_the_batch(
    drawn_streets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    kept, diary, by_hand = tmp_path / "kept", Diary(), Diary()

    class Keep(Memory):
        """Also keeps the resume point that there is when memory runs out."""

        def on_exception(self, *_: Any) -> None:
            shutil.copytree(tmp_path / "run" / "checkpoints", kept)

    trained = run(drawn_streets, tmp_path / "run", Keep(2, at), diary, stages=STAGES[:1])
    words = "stage head: out of memory; it goes on with 2 at once, accumulated 2 times to 4"
    assert words in " ".join(capsys.readouterr().out.split())
    assert micro_batches(tmp_path / "run") == [2]
    assert samples_by_epoch(diary) == [8, 8, 8]
    assert [len(paths) for _, paths, *_ in diary.batches] == (at - 1) * [4] + (7 - at) * 2 * [2]
    assert read_run(tmp_path / "run").series["train/loss"].steps == list(range(6))

    quiet = {**SETTINGS, "logger": False, "enable_checkpointing": False, "num_sanity_val_steps": 0}
    model, data = objects(drawn_streets, batch_size=2)
    model.retune(freeze_to=-1)
    trainer = L.Trainer(**quiet, max_epochs=3, accumulate_grad_batches=2, callbacks=[by_hand])
    trainer.fit(model, data, ckpt_path=kept / "1-head.last.ckpt", weights_only=True)
    assert trainer.global_step == 6
    assert by_hand.batches == diary.batches[at - 1 :]
    assert differences(trained.state_dict(), model.state_dict()) == set()


def test_a_stage_without_a_point_begins_again_with_the_weights_it_had(drawn_streets: Path, tmp_path: Path) -> None:
    stages = [Stage("all", 2, freeze_to=0, max_lr=1e-2), Stage("again", 1)]
    trained = run(drawn_streets, tmp_path / "run", Memory(2, 2), stages=stages, every_n_steps=50)
    assert micro_batches(tmp_path / "run") == [2, 2]
    given = {"batch_size": 2, "settings": {"accumulate_grad_batches": 2}}
    by_hand = run(drawn_streets, tmp_path / "by hand", stages=stages, every_n_steps=50, **given)
    assert differences(trained.state_dict(), by_hand.state_dict()) == set()


def test_memory_for_less_than_one_sample_ends_in_one_line_and_is_resumed(drawn_streets: Path, tmp_path: Path) -> None:
    words = (
        "stages: all: expected memory for one sample at a time, got an out-of-memory error; give it a smaller "
        "image_size or a precision of 16 bits, or take a smaller encoder."
    )
    with pytest.raises(MemoryLimitError, match=f"^{re.escape(words)}$"):
        run(drawn_streets, tmp_path / "run", Memory(0, 8))
    assert micro_batches(tmp_path / "run") == [1, 4]
    diary = Diary()
    run(drawn_streets, tmp_path / "run", diary, resume=True)
    assert [len(paths) for _, paths, *_ in diary.batches] == 4 * [1]


AUTO = [Stage("head", 1, freeze_to=-1, max_lr="find", batch_size="auto"), Stage("larger", image_size=(64, 48))]


def test_auto_is_the_inherited_batch_in_parts_that_fit_and_a_resume_takes_the_same(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("triptych.recipe.stage_run.find_lr", partial(find_lr, start=1e-5, end=1e-2, num_steps=4))
    monkeypatch.setitem(globals(), "UNetSegmenter", LittleMemory)
    whole = run(drawn_streets, tmp_path / "whole", batch_size=8, stages=AUTO)
    printed = capsys.readouterr().out
    assert "batch_size auto: 2 at once, accumulated 4 times to 8 (" in printed
    assert "batch_size auto: 2 at once, accumulated 2 times to 4 (" in printed
    assert "4x2" in printed and "2x2" in printed and "out of memory" not in printed
    assert micro_batches(tmp_path / "whole") == [4, 2]
    with pytest.raises(BrokenOffError):
        run(drawn_streets, tmp_path / "run", BreakOff("on_train_batch_end", 7), batch_size=8, stages=AUTO)
    monkeypatch.setattr(LittleMemory, "most", 8)
    capsys.readouterr()
    again = run(drawn_streets, tmp_path / "run", batch_size=8, stages=AUTO, resume=True)
    assert "batch_size auto" not in capsys.readouterr().out
    assert differences(again.state_dict(), whole.state_dict()) == set()


def test_a_given_batch_that_does_not_fit_is_planned_in_parts(
    drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(globals(), "UNetSegmenter", LittleMemory)
    run(drawn_streets, tmp_path / "run", dry_run=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert "stage head: out of memory; it goes on with 2 at once, accumulated 2 times to 4" in printed
    assert printed.count("2x2") == 2
