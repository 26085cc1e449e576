"""A fit that is broken off, or killed, and resumed is the fit that was not, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_fit
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from small_fit import (
    BATCHES,
    PEAK,
    BreakOff,
    BrokenOffError,
    Case,
    Diary,
    data_of,
    differences,
    fit,
    model_of,
    trainer_for,
)

from triptych.callbacks import ResumePoint

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*Consider increasing the value of the `num_workers`"),
]

HOOKS = ("on_train_batch_start", "on_after_backward", "on_train_batch_end")


def broken_off(case: Case, root: Path, folder: Path, every: int, hook: str, at: int, **settings: Any) -> Diary:
    """The diary of a fit up to the time that it broke off in; `last.ckpt` is in `folder`."""
    diary = Diary()
    callbacks = [diary, BreakOff(hook, at), ResumePoint(every, dirpath=str(folder))]
    with pytest.raises(BrokenOffError):
        fit(case, root, folder, callbacks, **settings)
    return diary


def saved(path: Path) -> Any:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("number", range(12))
def test_a_fit_that_is_resumed_ends_as_one_that_was_not_broken_off(number: int, roots, tmp_path: Path) -> None:
    draw = random.Random(number)
    case = Case(
        task=("planet", "biwi", "camvid", "points", "imdb", "language")[number % 6],
        workers=2 if number in (0, 5, 8, 10) else 0,
        freeze_to=draw.choice([0, -1]),
        accumulate=draw.choice([1, 3]),
        mixup=0.4 if number == 6 else 0.0,
        paste=0.5 if number == 8 else 0.0,
    )
    root, every, in_epoch = roots[case.task], draw.randint(1, 4), BATCHES[case.task]
    first_save = min(every * case.accumulate, in_epoch)
    hook, at = draw.choice(HOOKS), draw.randint(first_save + 1, case.batches)

    whole, again = Diary(), Diary()
    unbroken = fit(case, root, tmp_path / "whole", [whole, ResumePoint(every, dirpath=str(tmp_path / "whole"))])
    first = broken_off(case, root, tmp_path, every, hook, at)
    callbacks = [again, ResumePoint(every, dirpath=str(tmp_path))]
    resumed = fit(case, root, tmp_path, callbacks, seed=number + 1, ckpt_path=tmp_path / "last.ckpt")

    assert whole.batches[: len(first.batches)] == first.batches
    assert whole.batches[-len(again.batches) :] == again.batches
    twice = len(first.batches) + len(again.batches) - len(whole.batches)
    assert 0 <= twice <= every * case.accumulate
    seen = first.samples[: len(whole.samples) - len(again.samples)] + again.samples
    assert len(seen) == len(set(seen)) == len(whole.samples)
    assert again.logged and again.logged.items() <= whole.logged.items()

    assert resumed.global_step == unbroken.global_step == case.steps
    assert resumed.lr_scheduler_configs[0].scheduler.position == 1
    assert differences(saved(tmp_path / "last.ckpt"), saved(tmp_path / "whole" / "last.ckpt")) == set()
    assert differences(resumed.lightning_module.state_dict(), unbroken.lightning_module.state_dict()) == set()


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
@pytest.mark.parametrize("fraction", [1.0, 0.4])
def test_checkpoints_of_lightnings_own_callback_will_do(roots, tmp_path: Path, fraction: float) -> None:
    """Also those that are saved at the end of a validation, within the epoch."""
    case, whole = Case(epochs=2), Diary()

    def fit_on(diary: Diary, **arguments: Any) -> Trainer:
        keep = ModelCheckpoint(tmp_path, "{step}", save_top_k=-1, monitor="val/loss", save_on_train_epoch_end=False)
        return fit(case, roots["planet"], tmp_path, [diary, keep], val_check_interval=fraction, **arguments)

    unbroken = fit_on(whole)
    states = {saved(path)["global_step"]: path for path in tmp_path.glob("*.ckpt")}
    assert sorted(states) == ([5, 10] if fraction == 1 else [2, 4, 7, 9])
    for step, path in states.items():
        resumed = fit_on(again := Diary(), seed=1, ckpt_path=path)
        assert again.batches == whole.batches[step:]
        assert differences(resumed.lightning_module.state_dict(), unbroken.lightning_module.state_dict()) == set()


class Validations(Diary):
    """Also, by number of the step, what each validation logged."""

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        logged = {name: value.item() for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        self.logged[-trainer.global_step] = logged


def test_validations_within_an_epoch_are_not_lost(roots, tmp_path: Path) -> None:
    case, whole, again = Case(epochs=2), Validations(), Validations()
    settings: dict[str, Any] = {"val_check_interval": 2}
    fit(case, roots["planet"], tmp_path, [whole], **settings)
    broken_off(case, roots["planet"], tmp_path, 1, "on_validation_start", 1, **settings)
    fit(case, roots["planet"], tmp_path, [again], seed=1, ckpt_path=tmp_path / "last.ckpt", **settings)
    assert [-step for step in whole.logged if step < 0] == [2, 4, 7, 9]
    assert again.logged == whole.logged


@pytest.mark.parametrize("at", [4, 8])
def test_a_running_fit_takes_more_epochs_and_the_rate_continues(roots, tmp_path: Path, at: int) -> None:
    case, root = Case(epochs=2), roots["planet"]
    first, again = broken_off(case, root, tmp_path, 1, "on_train_batch_start", at), Diary()
    longer = case._replace(epochs=4)
    trainer = fit(longer, root, tmp_path, [again], seed=1, ckpt_path=tmp_path / "last.ckpt")
    schedule = trainer.lr_scheduler_configs[0].scheduler
    assert [trainer.current_epoch, trainer.global_step, schedule.total_steps] == [4, 20, 20]
    assert len(first.batches) + len(again.batches) == 20
    assert len({*first.samples, *again.samples}) == len(first.samples + again.samples) == 4 * 24
    unbroken = Diary()
    fit(case, root, tmp_path, [unbroken])
    assert again.batches[0] == unbroken.batches[at - 1]
    assert trainer.optimizers[0].param_groups[-1]["lr"] == pytest.approx(PEAK / 1e5)


def test_a_finished_fit_takes_more_epochs_in_a_cycle_of_their_own(roots, tmp_path: Path) -> None:
    case, root = Case(epochs=1), roots["planet"]
    first, again = Diary(), Diary()
    fit(case, root, tmp_path, [first, ResumePoint(dirpath=str(tmp_path))])
    longer = case._replace(epochs=3)
    trainer = fit(longer, root, tmp_path, [again], seed=1, ckpt_path=tmp_path / "last.ckpt")
    rates = [rate for *_, rate in again.batches]
    assert [trainer.current_epoch, trainer.global_step, len(rates)] == [3, 15, 10]
    assert rates[0] == pytest.approx(PEAK / 25)
    assert max(rates) > 0.9 * PEAK
    assert trainer.optimizers[0].param_groups[-1]["lr"] == pytest.approx(PEAK / 1e5)
    assert len({*first.samples, *again.samples}) == 3 * 24


def test_a_finished_fit_that_is_resumed_as_it_was_does_nothing(roots, tmp_path: Path) -> None:
    case, root, again = Case(epochs=1), roots["planet"], Diary()
    finished = fit(case, root, tmp_path, [ResumePoint(dirpath=str(tmp_path))])
    resumed = fit(case, root, tmp_path, [again], seed=1, ckpt_path=tmp_path / "last.ckpt")
    assert again.batches == []
    assert differences(resumed.lightning_module.state_dict(), finished.lightning_module.state_dict()) == set()


def test_a_checkpoint_that_is_only_validated_does_not_move_the_next_fit(roots, tmp_path: Path) -> None:
    case, root = Case(epochs=1), roots["planet"]
    broken_off(case, root, tmp_path, 1, "on_train_batch_start", 4)
    model, data, diary = model_of(case), data_of(case, root), Diary()
    trainer = trainer_for(case, tmp_path, [diary])
    trainer.validate(model, data, ckpt_path=tmp_path / "last.ckpt", verbose=False)
    trainer.fit(model, data)
    assert trainer.global_step == 5
    assert len(diary.samples) == len(set(diary.samples)) == 24


class Helper:
    """A process that has imported everything, and fits in processes of their own."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "ignore", small_fit.__file__]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def close(self) -> None:
        self.process.stdin.close()
        ended = self.process.wait(60)
        self.process.stdout.close()
        assert ended == 0

    def start(self, **order: Any) -> int:
        """Starts a fit, and returns the id of its process."""
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.wait_for("pid"))

    def wait_for(self, word: str, at_least: int | None = None) -> str:
        """What stands after a word, or the first number there that is large enough."""
        for line in self.process.stdout:
            first, _, rest = line.strip().partition(" ")
            if first == word and (at_least is None or int(rest) >= at_least):
                return rest
            assert first != "ended", line
        raise AssertionError("the helper has died")

    def finish(self, **order: Any) -> str:
        """The digest of the weights of a fit that is left alone."""
        self.start(**order)
        weights = self.wait_for("digest")
        assert self.wait_for("ended") == "0"
        return weights


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    helper = Helper()
    yield helper
    helper.close()


ENDS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}
"""Exit code of a fit by the signal that ends it."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "workers", "freeze_to", "accumulate"),
    [
        *[("planet", 0, 0, 1), ("planet", 0, -1, 3), ("planet", 2, 0, 3), ("planet", 2, -1, 1)],
        *[("imdb", 0, -2, 1), ("language", 0, 0, 1), ("language", 2, -1, 3)],
    ],
)
def test_a_fit_that_is_killed_or_stopped_three_times_ends_with_the_weights_of_one_that_was_not(
    helper: Helper, roots: dict[str, Path], tmp_path: Path, task: str, workers: int, freeze_to: int, accumulate: int
) -> None:
    draw = random.Random(f"{workers} {freeze_to} {accumulate}")
    case = Case(task, freeze_to=freeze_to, accumulate=accumulate)
    order: dict[str, Any] = {"root": str(roots[task]), "every": draw.choice([1, 2])}
    expected = helper.finish(case=case, folder=str(tmp_path / "whole"), seed=0, **order)

    order.update(case=case._replace(workers=workers), folder=str(tmp_path / "killed"))
    for kill, batch in enumerate(sorted(draw.sample(range(1, case.batches - 1), 3))):
        has_saved = (tmp_path / "killed" / "last.ckpt").exists()
        process = helper.start(seed=kill if has_saved else 0, **order)
        helper.wait_for("batch", at_least=batch)
        time.sleep(draw.uniform(0, 0.02))
        number = draw.choice([*ENDS])
        os.kill(process, number)
        assert helper.wait_for("ended") == str(ENDS[number])
    assert helper.finish(seed=9, **order) == expected
