"""A signal stops a run between two steps, with a resume point and an exit code that is not 0."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from small_fit import Case, data_of, differences, fit, model_of, trainer_for

from triptych import find_lr
from triptych.callbacks import ResumePoint
from triptych.trainer.stop import Stopped, goes_on_with

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:one-cycle. the fit ended at:UserWarning"),
]


class Kick(L.Callback):
    """Sends a signal to this process when a hook is called for the given time, counted from 1."""

    def __init__(self, hook: str, time: int, number: int = signal.SIGTERM) -> None:
        self.left, self.number = time, number
        setattr(self, hook, self._count)

    def _count(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)


def scores_of(trainer: L.Trainer) -> dict[str, float]:
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@pytest.fixture(scope="module")
def unbroken(drawn_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> L.Trainer:
    return fit(Case(), drawn_tiles, tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize(
    ("hook", "time", "stops_after"),
    [
        ("on_train_batch_start", 2, 2),
        ("on_train_batch_end", 7, 7),
        ("on_train_batch_end", 5, 5),  # the last of the epoch
        ("on_validation_start", 1, 5),
        ("on_validation_batch_start", 1, 5),
        ("on_validation_batch_end", 2, 5),  # the last one
        ("on_validation_epoch_end", 2, 10),
        ("on_train_epoch_end", 1, 5),
        ("on_train_epoch_start", 2, 5),
    ],
)
def test_a_stopped_fit_goes_on_where_it_was_and_validates_all_of_a_split(
    unbroken: L.Trainer, drawn_tiles: Path, tmp_path: Path, capsys, hook: str, time: int, stops_after: int
) -> None:
    last = tmp_path / "last.ckpt"
    with pytest.raises(Stopped) as caught:
        fit(Case(), drawn_tiles, tmp_path, [Kick(hook, time), ResumePoint(dirpath=str(tmp_path))])
    assert caught.value.code == 143
    assert torch.load(last, weights_only=True)["global_step"] == stops_after
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"stopped by SIGTERM after step {stops_after}; go on with: Trainer.fit(..., ckpt_path='{last}')."
    )
    resumed = fit(Case(), drawn_tiles, tmp_path, [ResumePoint(dirpath=str(tmp_path))], seed=1, ckpt_path=last)
    assert differences(resumed.lightning_module.state_dict(), unbroken.lightning_module.state_dict()) == set()
    assert scores_of(resumed) == scores_of(unbroken)
    assert resumed.fit_loop.state_dict() == unbroken.fit_loop.state_dict()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)])
def test_each_signal_has_its_exit_code_and_the_handlers_of_before_come_back(
    drawn_tiles: Path, tmp_path: Path, capsys, number: int, code: int
) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    with pytest.raises(Stopped) as caught, goes_on_with("this"):
        fit(Case(), drawn_tiles, tmp_path, [Kick("on_train_batch_end", 1, number), ResumePoint(dirpath=str(tmp_path))])
    assert caught.value.code == code
    line = f"stopped by {signal.Signals(number).name} after step 1; go on with: this."
    assert capsys.readouterr().err.splitlines()[-1] == line
    assert {one: signal.getsignal(one) for one in before} == before


def test_a_fit_that_accumulates_stops_after_its_step(drawn_tiles: Path, tmp_path: Path) -> None:
    case = Case(accumulate=3)
    with pytest.raises(Stopped):
        fit(case, drawn_tiles, tmp_path, [Kick("on_train_batch_end", 1), ResumePoint(dirpath=str(tmp_path))])
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert (saved["global_step"], saved["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["ready"]) == (1, 3)


def test_a_fit_that_is_stopped_at_its_very_end_is_whole_but_nothing_follows_it(
    unbroken: L.Trainer, drawn_tiles: Path, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        fit(Case(), drawn_tiles, tmp_path, [Kick("on_train_end", 1), ResumePoint(dirpath=str(tmp_path))])
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert differences(saved, dict(unbroken.lightning_module.state_dict())) == set()


def test_without_a_resume_point_a_fit_stops_and_says_that_nothing_was_saved(drawn_tiles, tmp_path, capsys) -> None:
    with pytest.raises(Stopped):
        fit(Case(), drawn_tiles, tmp_path, [Kick("on_train_batch_end", 2)])
    assert capsys.readouterr().err.splitlines()[-1] == "stopped by SIGTERM after step 2; nothing was saved."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run", ["validate", "test", "predict"])
def test_an_evaluation_stops_after_its_batch(drawn_tiles: Path, tmp_path: Path, capsys, run: str) -> None:
    case, hook = Case(), f"on_{'validation' if run == 'validate' else run}_batch_start"
    model, data = model_of(case), data_of(case, drawn_tiles)
    with pytest.raises(Stopped) as caught:
        getattr(trainer_for(case, tmp_path, [Kick(hook, 1)]), run)(model, data)
    assert caught.value.code == 143
    assert capsys.readouterr().err.splitlines()[-1] == "stopped by SIGTERM; nothing was saved."


def test_a_search_stops_and_leaves_the_model_as_it_was(drawn_tiles, tmp_path, monkeypatch) -> None:
    model, data = model_of(Case()), data_of(Case(), drawn_tiles)
    find_lr(trainer_for(Case(), tmp_path), model, data, num_steps=2)  # builds the network
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    step, calls = type(model).training_step, []

    def kicked(self: Any, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, *args)

    monkeypatch.setattr(type(model), "training_step", kicked)
    with pytest.raises(Stopped):
        find_lr(trainer_for(Case(), tmp_path), model, data, num_steps=20)
    assert len(calls) == 3
    assert differences(model.state_dict(), before) == set()


def test_a_second_interrupt_does_not_wait_for_the_step(drawn_tiles: Path, tmp_path: Path) -> None:
    class Twice(Kick):
        def on_before_backward(self, *_: Any) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(SystemExit) as caught:
        fit(Case(), drawn_tiles, tmp_path, [Twice("on_train_batch_start", 1, signal.SIGINT)])
    assert caught.value.code == 1  # Lightning's, at once
    assert type(caught.value) is SystemExit


def test_slurm_is_asked_to_start_the_job_again(drawn_tiles, tmp_path, monkeypatch) -> None:
    asked = []
    for name, value in {"JOB_ID": "31", "NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
    for number in (signal.SIGTERM, signal.SIGUSR1):
        with pytest.raises(Stopped):
            callbacks = [Kick("on_train_batch_end", 2, number), ResumePoint(dirpath=str(tmp_path / str(number)))]
            fit(Case(), drawn_tiles, tmp_path, callbacks, plugins=[SLURMEnvironment()])
        assert asked == ([] if number == signal.SIGTERM else [["scontrol", "requeue", "31"]])


def test_workers_outlive_the_signals_that_a_scheduler_sends_to_all_processes(drawn_tiles: Path) -> None:
    data = data_of(Case(workers=2), drawn_tiles)
    data.setup("fit")
    batches = iter(data.train_dataloader())
    seen = len(next(batches)["path"])
    for worker in batches._workers:
        subprocess.run(["kill", "-INT", str(worker.pid)], check=True)
        subprocess.run(["kill", "-TERM", str(worker.pid)], check=True)
    assert seen + sum(len(batch["path"]) for batch in batches) == 24
    for worker in batches._workers:
        worker.terminate()
        worker.join(20)
        assert worker.exitcode == 0
