"""The run that `--ckpt_path last` and `--resume` go on with, of several that lie there."""

import contextlib
import os
import platform
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from command_line import QUIET, config_args, fails, printed_by, runs_in
from jsonargparse import Namespace
from other_process import held, script
from small_fit import TINY

from triptych.cli.resume import resumed_run
from triptych.errors import UsageError
from triptych.runs.checkpoint import read_checkpoint

pytestmark = QUIET

LOGGERS = "lightning.pytorch.loggers"
STATE = Path("checkpoints", "last.ckpt")
CONFIG: dict[str, Any] = {
    "seed_everything": 0,
    "model": {"class_path": "triptych.UNetSegmenter", "init_args": {"encoder": "resnet34", "max_lr": 1e-3}},
    "data": {
        "class_path": "triptych.CamVidDataModule",
        "init_args": {"root": "streets", "batch_size": 4, "num_workers": 1, "image_size": [96, 128]},
    },
    "trainer": {
        **{"accelerator": "cpu", "devices": 1, "num_nodes": 1, "precision": "32-true", "max_epochs": 3},
        **{"default_root_dir": None, "gradient_clip_val": None},
        "logger": {
            "class_path": f"{LOGGERS}.TensorBoardLogger",
            "init_args": {"save_dir": "runs", "name": "x", "version": None},
        },
    },
}


def changed(values: dict[str, Any]) -> dict[str, Any]:
    """The configuration with other values, by names such as `trainer.devices`."""
    config: dict[str, Any] = yaml.safe_load(yaml.safe_dump(CONFIG))
    for name, value in values.items():
        part, _, key = name.rpartition(".")
        inner = config[part] if part else config
        inner.get("init_args", inner)[key] = value
    return config


def namespace(values: Any) -> Any:
    """A configuration as jsonargparse parses it."""
    if isinstance(values, list):
        return [namespace(value) for value in values]
    if not isinstance(values, dict):
        return values
    return Namespace(**{name: namespace(value) for name, value in values.items()})


def put(name: str, age: int, processes: int = 1, **values: Any) -> Path:
    """A run that began with the configuration with other values; the greater the age, the older it is."""
    run = Path("runs", "x", name)
    (run / STATE).parent.mkdir(parents=True)
    environment = {"processes": str(processes)}
    state = {"state_dict": {}, "pytorch-lightning_version": "2.6.6", "environment": environment}
    torch.save(state, run / STATE)
    os.utime(run / STATE, (1000 - age, 1000 - age))
    (run / "config.yaml").write_text(yaml.safe_dump(changed(values)))
    return run


def chosen(version: str | None = None, state: Path = STATE, **values: Any) -> str:
    """Name of the run that is gone on with, where a version may be typed."""
    config = namespace(changed(values))
    config.trainer.logger.init_args.version = version
    with contextlib.ExitStack() as locks:
        run = resumed_run(config, state, locks)
    assert config.trainer.logger.init_args.version == run.name
    return run.name


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


CHANGES = {
    "seed_everything": (5, "seed_everything was 0, now 5"),
    "model.encoder": ("resnet50", "model.encoder was resnet34, now resnet50"),
    "model.max_lr": ([1e-4, 1e-3], "model.max_lr was 0.001, now [0.0001, 0.001]"),
    "data.batch_size": (8, "data.batch_size was 4, now 8"),
    "data.image_size": ((96, 160), "data.image_size was [96, 128], now [96, 160]"),
    "trainer.gradient_clip_val": (0.5, "trainer.gradient_clip_val was None, now 0.5"),
    "trainer.devices": (2, "number of processes was 1, now 2"),
    "trainer.num_nodes": (2, "number of processes was 1, now 2"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_with_another_identity_is_refused_and_the_difference_is_named(name: str) -> None:
    run, (value, words) = put("a", 0), CHANGES[name]
    put("b", 1, **{"data.batch_size": 16})
    advice = "give its checkpoint as --ckpt_path to go on with other settings, or leave --ckpt_path out to start a new"
    for version in (None, "a"):
        with pytest.raises(UsageError, match=f"^{re.escape(f'{run}: {words}; {advice} run.')}$"):
            chosen(version, **{name: value})


SAME = [
    {"data.num_workers": 8},
    {"trainer.devices": [3]},
    {"trainer.devices": "0,"},
    {"trainer.max_epochs": 9},
    {"data.image_size": (96, 128)},
]


@pytest.mark.parametrize("values", SAME)
def test_what_does_not_change_the_result_is_no_part_of_the_identity(values: dict[str, Any]) -> None:
    put("a", 1)
    put("b", 0, seed_everything=1)
    assert chosen(**values) == "a"


TRACKERS = [
    (
        "WandbLogger",
        {"save_dir": ".", "project": None, "version": None, "id": None},
        "lightning_logs/abc",
        {"version": "abc"},
    ),
    ("WandbLogger", {"save_dir": ".", "project": "mine", "version": None, "id": None}, "mine/abc", {"version": "abc"}),
    ("MLFlowLogger", {"save_dir": "mlruns", "run_id": None}, "mlruns/1/abc", {"run_id": "abc"}),
    ("TensorBoardLogger", {"save_dir": "runs", "name": "x", "version": None}, "runs/x/a", {"version": "a"}),
    (
        "TensorBoardLogger",
        {"save_dir": "runs", "name": "x", "version": 3},
        "runs/x/version_3",
        {"version": "version_3"},
    ),
]


@pytest.mark.parametrize(("kind", "arguments", "folder", "named"), TRACKERS)
def test_run_of_any_logger_is_found_and_named(
    kind: str,
    arguments: dict[str, object],
    folder: str,
    named: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for age, place in enumerate((folder, "elsewhere/zzz")):
        (tmp_path / place / STATE).parent.mkdir(parents=True)
        (tmp_path / place / STATE).touch()
        os.utime(tmp_path / place / STATE, (1000 - age, 1000 - age))
        (tmp_path / place / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    logger = Namespace(class_path=f"{LOGGERS}.{kind}", init_args=Namespace(arguments))
    other = Namespace(class_path=f"{LOGGERS}.CometLogger", init_args=Namespace())
    config = namespace(changed({}))
    config.trainer.logger = [other, logger] if kind == "TensorBoardLogger" else logger
    with contextlib.ExitStack() as locks:
        assert resumed_run(config, STATE, locks) == Path(folder)
    assert {key: logger.init_args[key] for key in named} == named


def test_a_run_of_the_same_length_goes_before_a_newer_one_of_another() -> None:
    for age, epochs in enumerate((5, 3, 3)):
        put(f"{epochs} epochs, {age} s old", age, **{"trainer.max_epochs": epochs})
    assert chosen() == "3 epochs, 1 s old"
    assert chosen(**{"trainer.max_epochs": 7}) == "5 epochs, 0 s old"


def test_all_devices_are_as_many_as_the_run_was_trained_on() -> None:
    put("a", 0, processes=4, **{"trainer.devices": "auto"})
    put("b", 1, processes=1, **{"trainer.devices": "auto"})
    assert chosen(**{"trainer.devices": "auto"}) == "b"  # one processor counts as one device
    assert chosen(**{"trainer.devices": 2, "trainer.num_nodes": 2}) == "a"


def test_a_word_stands_for_what_it_was_resolved_to_and_takes_it() -> None:
    typed = {"seed_everything": True, "trainer.precision": "auto", "data.batch_size": "auto", "model.max_lr": "find"}
    put("a", 0, **{"data.seed": 3, "model.class_weights": [1.0, 2.0]})
    config = namespace(changed({**typed, "data.seed": 3, "model.class_weights": "balanced"}))
    with contextlib.ExitStack() as locks:
        resumed_run(config, STATE, locks)
    taken = config.seed_everything, config.trainer.precision, config.data.init_args.batch_size
    assert taken == (0, "32-true", 4)


def test_what_a_resumed_fit_filled_in_is_no_difference() -> None:
    given = {"model.num_classes": None, "model.encoder_weights": "imagenet", "model.max_lr": "find"}
    filled = {"model.num_classes": 32, "model.encoder_weights": None, "model.max_lr": 0.003}
    put("a", 0, **filled, ckpt_path="runs/x/a/checkpoints/last.ckpt")
    assert chosen(**given) == "a"
    with pytest.raises(UsageError, match=r"model\.num_classes was 32, now 12; "):
        chosen(**{**given, "model.num_classes": 12})


def test_a_recipe_goes_on_with_the_run_that_has_its_stages() -> None:
    def stages(epochs: int, **first: Any) -> list[dict[str, Any]]:
        return [{"name": "head", "max_lr": "find", "precision": "auto", **first}, {"name": "all", "epochs": epochs}]

    state = Path("recipe.json")
    for age, epochs in enumerate((5, 3)):
        run = put(f"{epochs} epochs", age, stages=stages(epochs, precision="32-true"))
        (run / state).touch()
        os.utime(run / state, (1000 - age, 1000 - age))
    assert chosen(state=state, stages=stages(3), **{"model.max_lr": 5.0}) == "3 epochs"  # the stages set the rate
    words = "runs/x/5 epochs: this run cannot be resumed: {}; start a new one, without --resume."
    for difference, changes in {
        "epochs of stage all was 5, now 4": {"stages": stages(4)},
        "stages was ['head', 'all'], now ['head']": {"stages": stages(4)[:1]},
        "model.encoder was resnet34, now resnet18": {"stages": stages(5), "model.encoder": "resnet18"},
    }.items():
        with pytest.raises(UsageError, match=f"^{re.escape(words.format(difference))}$"):
            chosen(state=state, **changes)


def test_a_run_without_a_configuration_is_not_taken_for_the_same() -> None:
    (put("a", 0) / "config.yaml").unlink()
    with pytest.raises(UsageError, match=r"^runs/x/a: its settings are not known without config\.yaml; give its "):
        chosen()


def test_a_run_that_a_living_process_writes_is_passed_over_and_taken_when_that_is_killed() -> None:
    newest, _ = put("a", 0), put("b", 1)
    with held(newest) as process:
        assert chosen() == "b"
        words = f"^{newest}: process {process.pid} on {platform.node()} writes there; wait until it ends, or "
        with pytest.raises(FileExistsError, match=words):
            chosen("a")
    assert chosen() == "a"
    assert not (newest / ".lock").exists()


def test_a_process_that_the_holder_has_started_takes_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a", 0)
    older = put("b", 1)
    monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
    monkeypatch.setenv("TRIPTYCH_LOCKED", f"{os.getppid()} {older.resolve()}")
    assert chosen() == "b"


def test_the_processes_of_a_launch_take_the_run_that_the_first_has_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a", 0)
    older = put("b", 1)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "mine")
    with held(older):
        monkeypatch.setattr("lightning.pytorch.utilities.rank_zero_only.rank", 1)
        assert chosen() == "b"
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "another")
        assert chosen() == "a"


@pytest.fixture
def fit(drawn_streets: Path) -> list[str]:
    """The command of a fit of one epoch, in the working directory."""
    network = ["--model.encoder", TINY["encoder"], "--model.encoder_weights", "null", "--data.image_size", "[32, 48]"]
    small = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--trainer.limit_val_batches", "1"]
    return ["fit", *config_args("camvid", drawn_streets), *network, *small, *runs_in(Path("runs"))]


def test_a_fit_goes_on_with_its_seed_alone(fit: list[str]) -> None:
    for seed in ("5", "0"):
        printed_by([*fit, "--seed_everything", seed])
    more = ["--ckpt_path", "last", "--trainer.max_epochs", "2", "--seed_everything"]
    printed = printed_by([*fit, *more, "5"])
    assert "checkpoint: runs/camvid/version_0/checkpoints/best.ckpt" in printed
    assert torch.load(Path("runs/camvid/version_0", STATE), weights_only=True)["epoch"] == 1
    fails([*fit, *more, "7"], r"runs/camvid/version_0: seed_everything was 5, now 7; give its checkpoint as .*")
    assert {path.name for path in Path("runs/camvid").iterdir()} == {"version_0", "version_1"}


@pytest.mark.slow
def test_a_fit_is_refused_while_another_process_trains_the_run_and_goes_on_after_its_kill(fit: list[str]) -> None:
    last, command = Path("runs/camvid/version_0", STATE), str(Path(sys.executable).with_name("triptych"))
    fit = [*fit, "--data.num_workers", "1"]
    first = script([command, *fit, "--trainer.max_epochs", "1000"], Path.cwd() / "printed.txt")
    try:
        while not last.exists() and first.is_alive():
            time.sleep(0.1)
        words = rf"runs/camvid/version_0: process {first.pid} on {platform.node()} writes there; wait until it .*"
        fails([*fit, "--ckpt_path", "last"], words)
    finally:
        first.kill()
        first.join()
    trained = read_checkpoint(last)["epoch"] + 1
    printed_by([*fit, "--ckpt_path", "last", "--trainer.max_epochs", str(trained + 1)])
    assert read_checkpoint(last)["epoch"] == trained
    assert [path.name for path in Path("runs/camvid").iterdir()] == ["version_0"]


def test_a_seed_beside_a_checkpoint_is_used(fit: list[str], caplog: pytest.LogCaptureFixture) -> None:
    printed_by(fit)
    last = Path("runs/camvid/version_0", STATE)
    caplog.set_level("INFO")
    printed_by([*fit, "--ckpt_path", str(last), "--trainer.max_epochs", "2", "--seed_everything", "3"])
    assert "seed_everything: 3 goes before the checkpoint's 0, for dropout." in caplog.messages
    assert torch.load(Path("runs/camvid/version_1", STATE), weights_only=True)["noise_seed"] == 3


def test_a_requeued_job_goes_on_by_itself(fit: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    printed = printed_by(fit)
    assert re.search(
        r"^SLURM has requeued this job; a new run starts, .*: runs/camvid: .* found none\.$", printed, re.MULTILINE
    )
    printed = printed_by([*fit, "--trainer.max_epochs", "2"])
    assert "SLURM has requeued this job; it goes on with runs/camvid/version_0.\n" in printed
    assert torch.load(Path("runs/camvid/version_0", STATE), weights_only=True)["epoch"] == 1
    assert [path.name for path in Path("runs/camvid").iterdir()] == ["version_0"]
