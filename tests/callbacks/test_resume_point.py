"""`ResumePoint`: when it saves, what it keeps, and that no file is ever incomplete."""

import pickletools
import random
import zipfile
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from other_process import held
from small_fit import PLAIN, Case, fit, leaves
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych.callbacks import ResumePoint
from triptych.runs.checkpoint import AtomicCheckpointIO, best_score, read_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]


class Line(L.LightningModule):
    """A fit of milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss = self.layer(batch).square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def line_trainer(folder: Path, callbacks: list[L.Callback], **settings: Any) -> L.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, **settings}
    return L.Trainer(accelerator="cpu", default_root_dir=folder, callbacks=callbacks, **quiet)


def fit_line(folder: Path, callbacks: list[L.Callback], batches: int = 4, **settings: Any) -> L.Trainer:
    trainer = line_trainer(folder, callbacks, **settings)
    trainer.fit(Line(), DataLoader(torch.randn(batches, 3), batch_size=1))
    return trainer


def expected_saves(batches: int, epochs: int, accumulate: int, every: int) -> list[tuple[int, int]]:
    """(batches seen, optimizer steps) at each save, computed in a slow and obvious way."""
    saves, steps, saved_at = [], 0, 0
    for seen in range(1, batches * epochs + 1):
        in_epoch = (seen - 1) % batches + 1
        stepped = in_epoch % accumulate == 0 or in_epoch == batches
        steps += stepped
        if in_epoch == batches or (stepped and steps - saved_at >= every):
            saves.append((seen, steps))
            saved_at = steps
    return saves


@pytest.mark.parametrize("number", range(12))
def test_it_saves_every_n_optimizer_steps_and_once_after_each_epoch(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(number)
    batches, epochs, accumulate = draw.randint(1, 9), draw.randint(1, 3), draw.choice([1, 2, 3])
    every, saves = draw.randint(1, 5), []
    save = L.Trainer.save_checkpoint

    def record(trainer: L.Trainer, path: Path, *args: Any, **kwargs: Any) -> None:
        saves.append((trainer.fit_loop.total_batch_idx + 1, trainer.global_step))
        assert path == tmp_path / "version_0" / "checkpoints" / "last.ckpt"
        save(trainer, path, *args, **kwargs)

    monkeypatch.setattr(L.Trainer, "save_checkpoint", record)
    fit_line(tmp_path, [ResumePoint(every)], batches, max_epochs=epochs, accumulate_grad_batches=accumulate)
    assert saves == expected_saves(batches, epochs, accumulate, every)


@pytest.mark.parametrize("every", [None, 7])
def test_it_saves_by_time_too(every: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes 7 seconds, so a minute is over after every ninth one, unless seven steps were counted before."""
    now = [0.0]

    class Slow(Line):
        def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
            now[0] += 7
            return super().training_step(batch, batch_idx)

    steps: list[int] = []
    monkeypatch.setattr("triptych.callbacks.resume_point.time.monotonic", lambda: now[0])
    monkeypatch.setattr(L.Trainer, "save_checkpoint", lambda trainer, *_, **__: steps.append(trainer.global_step))
    trainer = line_trainer(tmp_path, [ResumePoint(every)], max_epochs=2)
    trainer.fit(Slow(), DataLoader(torch.randn(20, 3), batch_size=1))
    assert steps == ([9, 18, 20, 29, 38, 40] if every is None else [7, 14, 20, 27, 34, 40])


class Steps(L.Callback):
    """Reads at each batch the steps at which the two checkpoints were saved."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, []

    def on_train_batch_start(self, *_: Any) -> None:
        paths = [self.folder / name for name in ("last.ckpt", "before_last.ckpt")]
        self.seen.append([read_checkpoint(path)["global_step"] for path in paths if path.exists()])


def test_the_last_checkpoint_and_the_one_before_are_both_whole(tmp_path: Path) -> None:
    steps, point = Steps(tmp_path), ResumePoint(2, dirpath=str(tmp_path))
    trainer = fit_line(tmp_path, [steps, point], batches=5, max_epochs=2)
    assert steps.seen == [[], [], [2], [2], [4, 2], [5, 4], [5, 4], [7, 5], [7, 5], [9, 7]]
    assert {path.name for path in tmp_path.iterdir()} == {"last.ckpt", "before_last.ckpt"}
    assert [read_checkpoint(tmp_path / f"{name}last.ckpt")["global_step"] for name in ("", "before_")] == [10, 9]
    assert point.path(trainer) == tmp_path / "last.ckpt"


@pytest.mark.parametrize("no_links", [False, True])
def test_a_file_system_without_links_will_do(no_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no links here")

    if no_links:
        monkeypatch.setattr("os.link", refuse)
    fit_line(tmp_path, [ResumePoint(1, dirpath=str(tmp_path))], batches=3, max_epochs=1)
    assert [read_checkpoint(tmp_path / f"{name}last.ckpt")["global_step"] for name in ("", "before_")] == [3, 2]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("fails_at", [1, 2, 3])
@pytest.mark.parametrize("name", ["last", "best"])
def test_a_save_that_fails_half_way_leaves_the_old_checkpoint_and_nothing_else(
    name: str, fails_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all checkpoints of the trainer, not only its own."""
    save, times = torch.save, {"last": 0, "best": 0}

    def fill_the_disk(checkpoint: Any, file: Any) -> None:
        kind = "last" if "last" in Path(file).name else "best"
        times[kind] += 1
        if (kind, times[kind]) == (name, fails_at):
            Path(file).write_bytes(b"half of it")
            raise OSError("no space left")
        save(checkpoint, file)

    monkeypatch.setattr(torch, "save", fill_the_disk)
    keep = ModelCheckpoint(tmp_path, "best", every_n_train_steps=1)
    callbacks = [ResumePoint(1, dirpath=str(tmp_path)), keep]
    with pytest.raises(OSError, match="no space left"):
        fit_line(tmp_path, callbacks, batches=9, max_epochs=1)
    whole = {path.name: read_checkpoint(path)["global_step"] for path in tmp_path.iterdir()}
    assert whole.get(f"{name}.ckpt", 0) == fails_at - 1
    assert whole.keys() <= {"last.ckpt", "before_last.ckpt", "best.ckpt"}


def test_what_writes_checkpoints_in_another_way_is_left_alone(tmp_path: Path) -> None:
    class Own(TorchCheckpointIO):
        pass

    own, point = Own(), ResumePoint(dirpath=str(tmp_path))
    assert fit_line(tmp_path, [point], max_epochs=1, plugins=[own]).strategy.checkpoint_io is own
    assert type(fit_line(tmp_path, [point], max_epochs=1).strategy.checkpoint_io) is AtomicCheckpointIO


@pytest.mark.parametrize("number", [0, 1])
def test_it_knows_the_best_checkpoint_wherever_it_stands_in_the_list(number: int, tmp_path: Path) -> None:
    callbacks: list[L.Callback] = [ModelCheckpoint(tmp_path, "best", monitor="loss")]
    callbacks.insert(number, ResumePoint(dirpath=str(tmp_path)))
    fit_line(tmp_path, callbacks, max_epochs=1)
    assert best_score(tmp_path / "last.ckpt") == best_score(tmp_path / "best.ckpt") != "unknown"


def test_each_fit_without_a_logger_writes_into_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine")
    for number in range(3):
        callbacks = [ModelCheckpoint(filename="best", enable_version_counter=False), ResumePoint()]
        fit_line(tmp_path, callbacks[:: -1 if number else 1], batches=number + 1, max_epochs=1)
    for number in range(3):
        folder = tmp_path / f"version_{number}" / "checkpoints"
        assert {path.name: read_checkpoint(path)["global_step"] for path in folder.iterdir()} == {
            "best.ckpt": number + 1,
            "last.ckpt": number + 1,
        }
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "version_0", "version_1", "version_2"}


def test_a_checkpoint_of_another_run_is_not_replaced(tmp_path: Path) -> None:
    last = tmp_path / "last.ckpt"
    fit_line(tmp_path, [ResumePoint(dirpath=str(tmp_path))], max_epochs=1)
    before = last.read_bytes()
    expected = f"^{last}: expected no checkpoint of another run, got one; resume it, .* or choose another folder\\.$"
    with pytest.raises(FileExistsError, match=expected):
        fit_line(tmp_path, [ResumePoint(dirpath=str(tmp_path))], max_epochs=2)
    assert last.read_bytes() == before
    resumed = line_trainer(tmp_path, [ResumePoint(dirpath=str(tmp_path))], max_epochs=2)
    resumed.fit(Line(), DataLoader(torch.randn(4, 3), batch_size=1), ckpt_path=last)
    assert read_checkpoint(last)["global_step"] == 8


def test_a_trainer_may_fit_again_into_its_own_folder(tmp_path: Path) -> None:
    trainer = fit_line(tmp_path, [ResumePoint()], max_epochs=1)
    trainer.fit_loop.max_epochs = 2
    trainer.fit(Line(), DataLoader(torch.randn(4, 3), batch_size=1))
    assert read_checkpoint(tmp_path / "version_0" / "checkpoints" / "last.ckpt")["global_step"] == 8


def test_a_development_run_writes_nothing(tmp_path: Path) -> None:
    fit_line(tmp_path, [ResumePoint(1)], fast_dev_run=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("every", [0, -3])
def test_every_n_steps_is_at_least_one(every: int) -> None:
    with pytest.raises(ValueError, match=f"^every_n_steps: expected at least 1, got {every}\\.$"):
        ResumePoint(every)


@pytest.mark.parametrize("task", ["planet", "biwi", "camvid"])
def test_a_checkpoint_holds_plain_values_and_tensors_alone(
    task: str, tmp_path: Path, drawn_tiles: Path, drawn_portraits: Path, drawn_streets: Path
) -> None:
    root = {"planet": drawn_tiles, "biwi": drawn_portraits, "camvid": drawn_streets}[task]
    callbacks = [ResumePoint(2, dirpath=str(tmp_path)), ModelCheckpoint(tmp_path, "best", monitor="val/loss")]
    fit(Case(task, epochs=1), root, tmp_path, callbacks)
    for name in ("last.ckpt", "before_last.ckpt", "best.ckpt"):
        state = torch.load(tmp_path / name, weights_only=True)
        assert {name: type(value) for name, value in leaves(state) if type(value) not in PLAIN} == {}
        with zipfile.ZipFile(tmp_path / name) as file:
            (pickled,) = [entry for entry in file.namelist() if entry.endswith("data.pkl")]
            built = {arg for code, arg, _ in pickletools.genops(file.read(pickled)) if code.name == "GLOBAL"}
        assert {word.split(".")[0].split(" ")[0] for word in built} <= {"torch", "collections"}


@pytest.mark.parametrize("dirpath", [None, "own", "version_0/checkpoints"])
def test_a_fit_where_another_process_writes_is_refused_and_one_of_its_own_is_locked(
    dirpath: str | None, tmp_path: Path
) -> None:
    class Look(L.Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            self.locks = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob(".lock")]

    look, folder = Look(), tmp_path / (dirpath or "version_0").removesuffix("/checkpoints")
    point = ResumePoint(dirpath=str(tmp_path / dirpath) if dirpath else None)
    logger = TensorBoardLogger(tmp_path, "", version=0)
    with held(folder) as process:
        with pytest.raises(FileExistsError, match=f"^{folder}: process {process.pid} on .* writes there; "):
            fit_line(tmp_path, [point], max_epochs=1, logger=logger, log_every_n_steps=1)
        assert not list(tmp_path.rglob("*.ckpt"))
    fit_line(tmp_path, [look, point], max_epochs=1, logger=logger, log_every_n_steps=1)
    assert look.locks == [str(folder.relative_to(tmp_path) / ".lock")]
    assert not list(tmp_path.rglob(".lock"))
