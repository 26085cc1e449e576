"""Fits of about a second that a test can interrupt; as a script it runs them in processes that can be killed."""

import hashlib
import json
import os
import sys
import traceback
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Checkpoint
from points_files import PAIRS
from torch import Tensor

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    IMDBDataModule,
    LanguageModel,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    PointsDataModule,
    TextClassifier,
    UNetSegmenter,
)
from triptych.callbacks import ResumePoint
from triptych.runs.checkpoint import newest_readable

TINY = {"encoder": "timm-mobilenetv3_small_minimal_100", "encoder_weights": None}
TINY_TEXT = {"embedding_size": 8, "hidden_size": 12, "num_layers": 2}
PEAK = 1e-2
BATCHES = {"planet": 5, "biwi": 4, "camvid": 4, "points": 3, "imdb": 5, "language": 6}
"""Number of training batches per epoch of the made-up data; the last one is smaller, except for CamVid."""
PLAIN = (str, int, float, bool, type(None), Tensor)


class Case(NamedTuple):
    """The task and the settings of a fit."""

    task: str = "planet"
    workers: int = 0
    freeze_to: int = 0
    accumulate: int = 1
    epochs: int = 3
    mixup: float = 0.0
    paste: float = 0.0

    @property
    def batches(self) -> int:
        """Number of training batches of the whole fit."""
        return BATCHES[self.task] * self.epochs

    @property
    def steps(self) -> int:
        """Number of optimizer steps of the whole fit."""
        return -(-BATCHES[self.task] // self.accumulate) * self.epochs


def model_of(case: Case) -> L.LightningModule:
    options: dict[str, Any] = {**TINY, "max_lr": [PEAK / 100, PEAK], "freeze_to": case.freeze_to}
    options |= {name: value for name, value in (("mixup", case.mixup), ("paste", case.paste)) if value}
    if case.task in ("imdb", "language"):
        options = {**TINY_TEXT, "max_lr": [PEAK / 100, PEAK], "freeze_to": case.freeze_to}
    tasks = {
        **{"planet": MultiLabelClassifier, "camvid": UNetSegmenter, "biwi": PointRegressor, "points": PointRegressor},
        **{"imdb": TextClassifier, "language": LanguageModel},
    }
    return tasks[case.task](**options)


def data_of(case: Case, root: Path) -> L.LightningDataModule:
    options: dict[str, Any] = {"num_workers": case.workers, "seed": 3}
    if case.task == "planet":
        return PlanetDataModule(str(root), image_size=(32, 32), batch_size=5, **options)
    if case.task == "biwi":
        return BIWIDataModule(str(root), image_size=(32, 48), batch_size=4, **options)
    if case.task == "points":
        return PointsDataModule(str(root), image_size=(32, 48), batch_size=4, flip_pairs=PAIRS, **options)
    if case.task == "imdb":
        return IMDBDataModule(str(root), batch_size=9, **options)
    if case.task == "language":
        return IMDBDataModule(str(root), mode="lm", batch_size=7, seq_len=64, **options)
    return CamVidDataModule(str(root), image_size=(32, 48), batch_size=2, **options)


def trainer_for(case: Case, folder: Path, callbacks: Sequence[L.Callback] = (), **settings: Any) -> L.Trainer:
    return L.Trainer(
        **{
            **{"accelerator": "cpu", "devices": 1, "max_epochs": case.epochs, "default_root_dir": folder},
            **{"accumulate_grad_batches": case.accumulate, "callbacks": list(callbacks), "logger": False},
            **{"enable_model_summary": False, "enable_progress_bar": False, "num_sanity_val_steps": 0},
            "enable_checkpointing": any(isinstance(callback, Checkpoint) for callback in callbacks),
            **settings,
        }
    )


def fit(
    case: Case,
    root: Path,
    folder: Path,
    callbacks: Sequence[L.Callback] = (),
    seed: int = 0,
    ckpt_path: Path | None = None,
    **settings: Any,
) -> L.Trainer:
    """Builds everything under a global seed and fits; returns the trainer."""
    L.seed_everything(seed, verbose=False)
    trainer = trainer_for(case, folder, callbacks, **settings)
    trainer.fit(model_of(case), data_of(case, root), ckpt_path=ckpt_path)
    return trainer


class LittleMemory(UNetSegmenter):
    """Memory runs out with more than `most` samples, wherever it is trained."""

    most = 2

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        if len(batch["image"]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().training_step(batch, batch_idx)


class BrokenOffError(Exception):
    """Raised in the middle of a fit."""


class BreakOff(L.Callback):
    """Raises `BrokenOffError` when a hook is called for the given time, counted from 1."""

    def __init__(self, hook: str, time: int) -> None:
        self.left = time
        setattr(self, hook, self._count)

    def _count(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise BrokenOffError


class Diary(L.Callback):
    """Records the epoch, samples, loss and rate of each batch, and everything logged in each epoch."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, tuple[str, ...], float, float]] = []
        self.logged: dict[int, dict[str, float]] = {}

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        self.rate = trainer.optimizers[0].param_groups[-1]["lr"]

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.batches.append((trainer.current_epoch, tuple(batch["path"]), outputs["loss"].item(), self.rate))

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Everything of the previous epoch has been logged by now."""
        if trainer.callback_metrics:
            self.logged[trainer.current_epoch] = {key: value.item() for key, value in trainer.callback_metrics.items()}

    on_train_end = on_train_epoch_start

    @property
    def samples(self) -> list[tuple[int, str]]:
        """Epoch and path of each sample, in order."""
        return [(epoch, path) for epoch, paths, *_ in self.batches for path in paths]


def leaves(thing: Any, name: str = "") -> Iterable[tuple[str, Any]]:
    """Path and value of each leaf of nested plain containers."""
    if type(thing) in (dict, OrderedDict):
        for key, value in thing.items():
            yield from leaves(value, f"{name}/{key}")
    elif type(thing) in (list, tuple):
        for number, value in enumerate(thing):
            yield from leaves(value, f"{name}/{number}")
    else:
        yield name, thing


def differences(left: Any, right: Any) -> set[str]:
    """Paths at which two nested containers are not equal bit for bit."""
    ours, theirs = dict(leaves(left)), dict(leaves(right))
    common = ours.keys() & theirs.keys()
    return (ours.keys() ^ theirs.keys()) | {name for name in common if not _same(ours[name], theirs[name])}


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor):
        return left.dtype == right.dtype and left.shape == right.shape and _bytes(left) == _bytes(right)
    return type(left) is type(right) and left == right


def _bytes(tensor: Tensor) -> bytes:
    exact = tensor.detach().float() if tensor.dtype == torch.bfloat16 else tensor.detach()  # numpy has no bfloat16
    return np.ascontiguousarray(exact.numpy()).tobytes()


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of all bits of a state dict."""
    sha = hashlib.sha256()
    for name, tensor in state.items():
        sha.update(name.encode() + _bytes(tensor))
    return sha.hexdigest()


def _say(word: str, value: object) -> None:
    """Writes a line at once: a process that is killed between two writes would leave half of one."""
    os.write(sys.stdout.fileno(), f"{word} {value}\n".encode())


class _Announce(L.Callback):
    """Says the number of each batch after it is trained and before it is saved."""

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        _say("batch", trainer.fit_loop.total_batch_idx + 1)


def _fit_to_be_killed(case: list[Any], root: str, folder: str, every: int, seed: int) -> None:
    _say("pid", os.getpid())
    point = ResumePoint(every, dirpath=folder)
    last = newest_readable(Path(folder) / "last.ckpt")
    trainer = fit(Case(*case), Path(root), Path(folder), [_Announce(), point], seed, ckpt_path=last)
    _say("digest", digest(trainer.lightning_module.state_dict()))


def _serve() -> None:
    """Runs the fit of each line of standard input in a forked process, which need not import anything."""
    torch.set_num_threads(1)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            try:
                _fit_to_be_killed(**json.loads(line))
                os._exit(0)
            except SystemExit as stopped:
                os._exit(stopped.code)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        _say("ended", os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


if __name__ == "__main__":
    _serve()
