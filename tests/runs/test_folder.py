"""A run's own folder, for each kind of logger."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych.callbacks import ResumePoint
from triptych.runs.folder import claim_folder, newest_runs, no_empty_run, own_folder, release_folder

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Experiment logs directory:UserWarning"),  # a CSVLogger's, for its own folder
]


class Tracker(Logger):
    """A logger as W&B's or MLflow's: its version exists only after its experiment has begun."""

    def __init__(self, version: str | int | None, save_dir: Path | None = None) -> None:
        super().__init__()
        self._coming, self._version, self._folder = version, None, save_dir

    @property
    def experiment(self) -> None:
        self._version = self._coming

    @property
    def name(self) -> str:
        return "project"

    @property
    def version(self) -> Any:
        return self._version

    @property
    def save_dir(self) -> str | None:
        return None if self._folder is None else str(self._folder)

    def log_metrics(self, *_: Any, **__: Any) -> None: ...

    def log_hyperparams(self, *_: Any, **__: Any) -> None: ...


class Line(L.LightningModule):
    """The smallest model that trains."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.layer(batch).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer_with(folder: Path, loggers: Any, callbacks: Sequence[L.Callback] = (), **settings: Any) -> L.Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1, "max_epochs": 1}
    options = {"accelerator": "cpu", "default_root_dir": folder, "logger": loggers, **quiet, **settings}
    return L.Trainer(callbacks=list(callbacks), **options)


def batches(number: int) -> DataLoader[Tensor]:
    return DataLoader(torch.randn(number, 3))


def fitted(folder: Path) -> Path:
    """The last checkpoint, in `folder`, of a fit of four steps."""
    trainer_with(folder, False, [ResumePoint(dirpath=str(folder))]).fit(Line(), batches(4))
    return folder / "last.ckpt"


def board(folder: Path) -> TensorBoardLogger:
    return TensorBoardLogger(folder / "runs", "tb")


def table(folder: Path) -> CSVLogger:
    return CSVLogger(folder / "runs", "csv")


LOGGERS: dict[str, tuple[Callable[[Path], list[Logger]], str]] = {
    "none": (lambda _: [], "version_0"),
    "TensorBoard": (lambda folder: [board(folder)], "runs/tb/version_0"),
    "CSV": (lambda folder: [table(folder)], "runs/csv/version_0"),
    "CSV, then TensorBoard": (lambda folder: [table(folder), board(folder)], "runs/tb/version_0"),
    "a tracker, then TensorBoard": (lambda folder: [Tracker("id"), board(folder)], "runs/tb/version_0"),
    "a tracker, then CSV": (lambda folder: [Tracker("id"), table(folder)], "runs/csv/version_0"),
    "a tracker": (lambda _: [Tracker("id")], "project/id"),
    "a tracker with numbers": (lambda _: [Tracker(3)], "project/version_3"),
    "a tracker with a folder": (lambda folder: [Tracker("id", folder / "there")], "there/project/id"),
    "a tracker without versions": (lambda folder: [Tracker(None, folder / "there")], "there/version_0"),
}


@pytest.mark.parametrize("resume_point_is_first", [True, False])
@pytest.mark.parametrize("kind", LOGGERS)
def test_all_checkpoints_lie_in_the_run_folder(kind: str, resume_point_is_first: bool, tmp_path: Path) -> None:
    loggers, expected = LOGGERS[kind]
    typed = ModelCheckpoint(tmp_path / "elsewhere", "mine", every_n_train_steps=2)
    callbacks = [ModelCheckpoint(filename="best"), typed, ResumePoint()]
    trainer = trainer_with(tmp_path, loggers(tmp_path), callbacks[:: -1 if resume_point_is_first else 1])
    trainer.fit(Line(), batches(2))
    assert own_folder(trainer) == tmp_path / expected
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ckpt")}
    assert made == {f"{expected}/checkpoints/best.ckpt", f"{expected}/checkpoints/last.ckpt", "elsewhere/mine.ckpt"}


def test_folders_claimed_at_the_same_time_differ(tmp_path: Path) -> None:
    trainers = [trainer_with(tmp_path / "new", False) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim_folder, trainers))
    assert {path.name for path in claimed} == {f"version_{number}" for number in range(8)}
    assert [claim_folder(trainer) for trainer in trainers] == claimed


def test_asking_for_the_folder_creates_nothing_and_an_empty_one_can_be_given_back(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    trainer = trainer_with(root, False)
    assert own_folder(trainer) == root
    assert list(tmp_path.iterdir()) == []
    claim_folder(trainer)
    assert own_folder(trainer) == root / "version_0"
    release_folder(trainer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["none", "TensorBoard", "a tracker"])
def test_folder_of_a_failed_resume_goes_away_and_that_of_a_started_one_stays(kind: str, tmp_path: Path) -> None:
    last = fitted(tmp_path / "first")

    class Fails(L.Callback):
        def __init__(self, step: int) -> None:
            self.step = step

        def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
            if trainer.global_step == self.step:
                raise RuntimeError("on purpose")

    for step, is_kept in {4: False, 5: True}.items():
        loggers, folder = LOGGERS[kind]
        callbacks = [Fails(step), ResumePoint(1)]
        trainer = trainer_with(tmp_path / "new", loggers(tmp_path / "new"), callbacks, max_epochs=2)
        with pytest.raises(RuntimeError, match="on purpose"), no_empty_run(trainer, str(last)):
            trainer.fit(Line(), batches(4), ckpt_path=last)
        assert (tmp_path / "new" / folder).exists() == (tmp_path / "new").exists() == is_kept


@pytest.mark.parametrize("has", ["config.yaml", "metrics.csv", "checkpoints/last.ckpt", "lr_find/lr_find.json"])
def test_folder_that_another_run_used_is_refused(has: str, tmp_path: Path) -> None:
    saved = fitted(tmp_path / "first")
    folder = Path(board(tmp_path).log_dir)
    (folder / has).parent.mkdir(parents=True)
    (folder / has).write_bytes(saved.read_bytes())
    trainer = trainer_with(tmp_path, TensorBoardLogger(tmp_path / "runs", "tb", version=0))
    with pytest.raises(FileExistsError, match=f"^{folder}: another run is in this folder; name a new one, "):
        no_empty_run(trainer).__enter__()
    resumed = folder / "checkpoints" / "last.ckpt"
    resumed.parent.mkdir(exist_ok=True)
    resumed.write_bytes(saved.read_bytes())
    with no_empty_run(trainer, str(resumed)):
        pass


def test_runs_of_that_name_are_found_the_newest_first(tmp_path: Path) -> None:
    for age, name in enumerate(["version_1", "version_0", "other"]):
        path = tmp_path / name / "checkpoints" / "last.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
        os.utime(path, (age, age))
    has = Path("checkpoints", "last.ckpt")
    assert [run.name for run in newest_runs(tmp_path, has)] == ["other", "version_0", "version_1"]
    assert [run.name for run in newest_runs(tmp_path, has, "version_*")] == ["version_0", "version_1"]
