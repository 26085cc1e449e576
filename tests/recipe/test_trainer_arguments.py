"""What is given to a Trainer is kept by the stages of a recipe, or refused by name before anything starts."""

import contextlib
import inspect
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import (
    BatchSizeFinder,
    EarlyStopping,
    LearningRateFinder,
    ModelCheckpoint,
    ModelSummary,
    Timer,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.profilers import SimpleProfiler
from lightning.pytorch.strategies import ModelParallelStrategy
from small_fit import TINY, BreakOff, BrokenOffError

from triptych import MultiLabelClassifier, PlanetDataModule, Stage, run_recipe
from triptych.callbacks import ResumePoint
from triptych.recipe.trainer_arguments import ARGUMENTS, Decided, Kept, Refused, shared_arguments
from triptych.runs.layout import RunLayout
from triptych.runs.log import read_run

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
    pytest.mark.filterwarnings("ignore:one-cycle. the fit ended at:UserWarning"),  # by EarlyStopping
]

CPU: dict[str, Any] = {"accelerator": "cpu", "devices": 1}
QUIET: dict[str, Any] = {**CPU, "enable_progress_bar": False, "log_every_n_steps": 1, "limit_val_batches": 1}
STAGES = [Stage("head", epochs=2, freeze_to=-1, max_lr=1e-3), Stage("all", epochs=3, freeze_to=0)]
BATCHES = 2
GIVEN: dict[str, Any] = {
    **{"num_nodes": 1, "precision": "64-true", "fast_dev_run": 3, "min_epochs": 2, "min_steps": 7},
    **{"limit_train_batches": 3, "limit_val_batches": 0.5, "limit_test_batches": 4, "limit_predict_batches": 5},
    **{"overfit_batches": 2, "val_check_interval": 3, "check_val_every_n_epoch": None, "num_sanity_val_steps": 1},
    **{"log_every_n_steps": 7, "enable_progress_bar": False, "inference_mode": False, "detect_anomaly": True},
    **{"profiler": SimpleProfiler(), "reload_dataloaders_every_n_epochs": 2, "default_root_dir": "elsewhere"},
    **{"enable_autolog_hparams": False, "model_registry": "team/model", "accumulate_grad_batches": 2},
    **{"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value", "use_distributed_sampler": False},
    **{"plugins": [TorchCheckpointIO()], "logger": [CSVLogger("elsewhere")], "callbacks": [EarlyStopping("val/loss")]},
}


class Look(L.Callback):
    """Records what it sees, with an open file that cannot be copied."""

    def __init__(self, folder: Path) -> None:
        self.file = (folder / "seen.txt").open("w")
        self.trainers: list[L.Trainer] = []
        self.batches = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.trainers.append(trainer)

    def on_train_batch_end(self, *_: Any) -> None:
        self.batches += 1

    def on_fit_end(self, *_: Any) -> None:
        self.file.close()

    def state_dict(self) -> dict[str, Any]:
        return {"batches": self.batches}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.batches = state_dict["batches"]


def run(root: Path, folder: Path, given: Any, stages: list[Stage] = STAGES, **more: Any) -> list[Any]:
    data = PlanetDataModule(str(root), image_size=(32, 32), batch_size=12)
    return run_recipe(MultiLabelClassifier(**TINY), data, stages, given, folder, seed=0, **more)


def test_every_argument_of_a_trainer_is_decided_on() -> None:
    parameters = inspect.signature(L.Trainer.__init__).parameters
    assert ARGUMENTS.keys() == parameters.keys() - {"self"}


@pytest.mark.parametrize("as_mapping", [False, True])
@pytest.mark.parametrize("name", GIVEN)
def test_argument_arrives_in_a_stage_as_it_was_given(name: str, as_mapping: bool) -> None:
    given = {**CPU, name: GIVEN[name]}
    trainer = L.Trainer(**given)
    again = L.Trainer(**shared_arguments(given if as_mapping else trainer))
    rule = ARGUMENTS[name]
    assert isinstance(rule, Kept)
    if name == "plugins":
        assert again.strategy.checkpoint_io is GIVEN[name][0]
    else:
        assert rule.read(again) == rule.read(trainer)


def test_defaults_of_a_trainer_are_not_taken_for_a_users_own(tmp_path: Path) -> None:
    shared = shared_arguments(L.Trainer(**CPU))
    assert shared["logger"] == []
    assert [type(one).__name__ for one in shared["callbacks"]] == ["RichProgressBar"]
    own = [ModelSummary(max_depth=2), ModelCheckpoint(tmp_path), ModelCheckpoint(monitor="val/loss")]
    logger = TensorBoardLogger(tmp_path, "mine", "here")
    trainer = L.Trainer(**CPU, callbacks=own, logger=logger, enable_progress_bar=False)
    shared = shared_arguments(trainer)
    assert shared["logger"] == [logger] and shared["callbacks"] == own


EPOCHS = "set the epochs of each stage, and for a time the budget of the recipe."
NOT_POSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"max_steps": 5}, f"trainer.max_steps: expected none in a recipe, got 5; {EPOCHS}"),
    ({"max_time": timedelta(hours=1)}, f"trainer.max_time: expected none in a recipe, got 1:00:00; {EPOCHS}"),
    ({"callbacks": Timer("00:00:01:00")}, f"trainer.max_time: expected none in a recipe, got 0:01:00; {EPOCHS}"),
    (
        {"barebones": True},
        "trainer.barebones: expected none in a recipe, got True; leave it out: a recipe logs and saves.",
    ),
    (
        {"callbacks": [ResumePoint()]},
        "trainer.callbacks: expected no ResumePoint in a recipe; set every_n_steps of the recipe, which saves such "
        "points itself.",
    ),
    (
        {"callbacks": [BatchSizeFinder()]},
        "trainer.callbacks: expected no BatchSizeFinder in a recipe; set batch_size of a stage to auto.",
    ),
    (
        {"callbacks": [LearningRateFinder()]},
        "trainer.callbacks: expected no LearningRateFinder in a recipe; set max_lr of a stage to find.",
    ),
]


@pytest.mark.parametrize("as_mapping", [False, True])
@pytest.mark.parametrize(("given", "words"), NOT_POSSIBLE, ids=lambda value: str(value)[:20])
def test_what_is_not_possible_is_refused_by_name_before_anything_starts(
    tmp_path: Path, given: dict[str, Any], words: str, as_mapping: bool
) -> None:
    given = {**CPU, **given}
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - compared below
        run(tmp_path / "no data", tmp_path / "run", given if as_mapping else L.Trainer(**given))
    assert str(refused.value) == words
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("as_mapping", [False, True])
def test_strategy_that_splits_the_weights_is_refused_before_anything_starts(tmp_path: Path, as_mapping: bool) -> None:
    given = {**QUIET, "strategy": ModelParallelStrategy()}
    with pytest.raises(ValueError, match=r"^strategy: expected ddp or a single device, got 'ModelParallelStrategy': "):
        run(tmp_path / "no data", tmp_path / "run", given if as_mapping else L.Trainer(**given))
    assert not (tmp_path / "run").exists()


def test_argument_that_no_trainer_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^trainer: expected arguments of Lightning's Trainer, got max_epoch\.$"):
        shared_arguments({"max_epoch": 3})


def test_what_the_stages_set_themselves_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "lightning.pytorch.utilities.rank_zero"):
        shared_arguments(L.Trainer(**CPU, max_epochs=7))
    assert caplog.messages[-1] == "trainer.max_epochs: 7 is not used, each stage sets its epochs."
    assert {type(rule) for rule in ARGUMENTS.values()} == {Kept, Decided, Refused}


def test_stages_have_the_users_own_callbacks_and_loggers(drawn_tiles: Path, tmp_path: Path) -> None:
    look, folder = Look(tmp_path), tmp_path / "run"
    stop, best = EarlyStopping("val/loss", patience=1, min_delta=100), ModelCheckpoint(monitor="val/loss", mode="max")
    csv = CSVLogger(tmp_path, "csv", "mine")
    given = L.Trainer(
        **QUIET, limit_train_batches=BATCHES, detect_anomaly=True, logger=csv, callbacks=[look, stop, best]
    )
    run(drawn_tiles, folder, given)
    assert len(look.trainers) == 2 and look.file.closed
    assert look.batches == (2 + 2) * BATCHES  # the patience counts in each stage anew: two epochs of three
    assert stop.stopped_epoch == 1
    for trainer in look.trainers:
        assert trainer._detect_anomaly and trainer.progress_bar_callback is None and trainer.logger is csv
        assert {look, stop, best} <= set(trainer.callbacks)  # type: ignore[attr-defined]
    assert Path(best.best_model_path).parent == RunLayout(folder).checkpoints
    assert len(list(RunLayout(folder).checkpoints.glob("epoch=*.ckpt"))) == 2  # the best of each stage
    assert RunLayout(folder).find_checkpoint().name == "2-all.ckpt"
    ours, theirs = read_run(folder).series, read_run(tmp_path / "csv" / "mine").series
    assert theirs["train/loss"].steps == ours["train/loss"].steps == list(range(8))
    assert theirs["val/loss"].steps == ours["val/loss"].steps == [1, 3, 5, 7]


def test_own_state_goes_on_and_that_of_lightning_begins_anew_after_a_resume_too(
    drawn_tiles: Path, tmp_path: Path
) -> None:
    def given(*more: L.Callback) -> dict[str, Any]:
        stop = EarlyStopping("val/loss", patience=1, min_delta=100)
        return {**QUIET, "limit_train_batches": BATCHES, "callbacks": [Look(tmp_path), stop, *more]}

    whole, broken, resumed = given(), given(BreakOff("on_train_epoch_start", 3)), given()
    run(drawn_tiles, tmp_path / "whole", whole)
    with pytest.raises(BrokenOffError):
        run(drawn_tiles, tmp_path / "broken", broken)
    run(drawn_tiles, tmp_path / "broken", resumed, resume=True)
    assert resumed["callbacks"][0].batches == whole["callbacks"][0].batches == 8
    assert resumed["callbacks"][1].stopped_epoch == whole["callbacks"][1].stopped_epoch == 1
    weights = [
        torch.load(tmp_path / name / "checkpoints" / "2-all.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "broken")
    ]
    torch.testing.assert_close(*weights, rtol=0, atol=0)


@pytest.mark.parametrize("given", [{"val_check_interval": 2, "check_val_every_n_epoch": None}, {"overfit_batches": 2}])
def test_last_weights_are_validated_whatever_the_interval(
    drawn_tiles: Path, tmp_path: Path, given: dict[str, Any]
) -> None:
    settings = {**QUIET, "limit_train_batches": 1, **given, "callbacks": []}
    with contextlib.nullcontext() if "overfit_batches" not in given else pytest.warns(UserWarning, match="overfit"):
        results = run(drawn_tiles, tmp_path / "run", settings, [Stage("a", epochs=3, max_lr=1e-3), Stage("b")])
    steps = 1 if "overfit_batches" not in given else 2
    series = read_run(tmp_path / "run").series
    assert series["train/loss"].steps == list(range(6 * steps))
    assert series["val/f2"].steps[-1] == 6 * steps - 1
    assert series["val/f2"].values[-1] == pytest.approx(results[-1].scores["f2"])


def test_interval_that_no_epoch_reaches_is_refused_in_the_plan(drawn_tiles: Path, tmp_path: Path) -> None:
    words = r"^stages: head: val_check_interval: expected at most 2, the batches of its epochs, got 50; or set .*\.$"
    with pytest.raises(ValueError, match=words):
        run(drawn_tiles, tmp_path / "run", {**QUIET, "limit_train_batches": 2, "val_check_interval": 50})
    assert not (tmp_path / "run").exists()


def test_fast_dev_run_takes_a_batch_of_each_stage_and_writes_nothing(
    drawn_tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    look = Look(tmp_path)
    callbacks = [look, ModelCheckpoint(monitor="val/loss")]
    given = L.Trainer(**CPU, fast_dev_run=True, enable_progress_bar=False, callbacks=callbacks)
    stages = [Stage("a", epochs=50, max_lr="find"), Stage("b", sample_weights="last")]
    assert run(drawn_tiles, Path("run"), given, stages) == []
    assert len(look.trainers) == look.batches == 2
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("trace", ["config.yaml", "metrics.csv", "checkpoints", "events.out.tfevents.1.me"])
def test_recipe_does_not_start_in_the_folder_of_a_fit(drawn_tiles: Path, tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).write_text("a fit's")
    with pytest.raises(FileExistsError) as refused:
        run(drawn_tiles, tmp_path, QUIET)
    words = f"expected a folder for a recipe, got that of a fit (it has {trace}); name a new one."
    assert str(refused.value) == f"{tmp_path}: {words}"
    assert [path.name for path in tmp_path.iterdir()] == [trace]


def test_name_that_leaves_the_run_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^stages: expected names of .*, got 'x/\.\./\.\./escaped'\.$"):
        run(tmp_path / "no data", tmp_path / "run", QUIET, [Stage("x/../../escaped", epochs=1)])
    assert list(tmp_path.iterdir()) == []
