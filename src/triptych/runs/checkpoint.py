"""Checkpoints: written atomically, and read as tensors and plain values only."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from triptych.files import as_path, atomic_save, is_remote
from triptych.runs.layout import RunLayout, previous
from triptych.runs.loaded import loaded_class

_CLASS_KEYS = ("_class_path", "class_path")
"""The keys of a class that LightningCLI imports: of the model, and of an argument of it."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints atomically: to a temporary file that then replaces the checkpoint."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        if is_remote(path):  # a bucket, whose uploads are atomic
            super().save_checkpoint(checkpoint, str(path), storage_options)
            return
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_save(path, lambda part: torch.save(checkpoint, part))


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Reads a Lightning checkpoint; its tensors are on the CPU, memory-mapped if it is no file on a bucket.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not a checkpoint, or it is incomplete.
    """
    if not (file := as_path(path)).is_file():
        raise FileNotFoundError(f"ckpt_path: {path} does not exist; {_alternative(path)}.")
    try:
        source = io.BytesIO(file.read_bytes()) if is_remote(file) else file
        state = torch.load(source, map_location="cpu", weights_only=True, mmap=source is file)
    except Exception as error:  # which error torch raises depends on the bytes
        raise ValueError(f"ckpt_path: {path} is not a checkpoint, or incomplete; {_alternative(path)}.") from error
    if not isinstance(state, dict) or not {"state_dict", "pytorch-lightning_version"} <= state.keys():
        raise ValueError(f"ckpt_path: {path} is not a Lightning checkpoint; {_alternative(path)}.")
    return state


def read_hyper_parameters(path: str | Path) -> dict[str, Any]:
    """Reads the hyper-parameters of a checkpoint; those with which LightningCLI would import a class are refused.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: See `read_checkpoint`; or they name a class that is not loaded, or that is no part of a model.
    """
    hyper_parameters: dict[str, Any] = read_checkpoint(path).get("hyper_parameters", {})
    for key, class_path in _named_classes(hyper_parameters):
        loaded_class(f"{path}: hyper_parameters.{key}", class_path, nn.Module, Optimizer, LRScheduler)
    return hyper_parameters


def _named_classes(value: object) -> Iterator[tuple[str, object]]:
    """Each key and value that names a class, in nested mappings and sequences."""
    if isinstance(value, Mapping):
        yield from ((key, value[key]) for key in _CLASS_KEYS if key in value)
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _named_classes(one)


def newest_readable(last: Path) -> Path | None:
    """`last` if it is a complete checkpoint, else the previous one; None if neither can be read."""
    for path in (last, previous(last)):
        with contextlib.suppress(FileNotFoundError, ValueError):
            read_checkpoint(path)
            return path
    return None


def trained_epochs(checkpoint: Mapping[str, Any]) -> int:
    """Number of epochs whose batches were all trained when the checkpoint was saved."""
    fit = checkpoint.get("loops", {}).get("fit_loop", {})
    begun: int = fit.get("epoch_progress", {}).get("current", {}).get("ready", 0)
    return begun if fit.get("epoch_loop.batch_progress", {}).get("is_last_batch") else max(begun - 1, 0)


@dataclass(frozen=True)
class SavedScores:
    """The scores of the validation before a checkpoint was saved.

    Args:
        path: The checkpoint.
        epoch: Number of the epoch that was trained, from 1.
        values: Value of each score, by name without `val/`.
        over: What was scored, such as `valid.txt, 101 frames`; empty if it is unknown.
    """

    path: Path
    epoch: int
    values: dict[str, float]
    over: str


def saved_scores(path: str | Path) -> SavedScores:
    """The scores that a checkpoint holds; see `read_checkpoint`."""
    checkpoint = read_checkpoint(path)
    values = {name.removeprefix("val/"): value for name, value in checkpoint.get("scores", {}).items()}
    return SavedScores(as_path(path), checkpoint.get("epoch", 0) + 1, values, checkpoint.get("scored_over", ""))


def best_score(path: str | Path) -> str:
    """Name and best value of the score that a ModelCheckpoint monitored; else the last score, or "unknown".

    In parentheses what was scored, if that is known, such as `val/mean_iou 0.5123 (valid.txt, 101 frames)`.
    """
    checkpoint = read_checkpoint(path)
    over = checkpoint.get("scored_over", "")
    for callback in checkpoint.get("callbacks", {}).values():
        if callback.get("best_model_score") is not None:
            return named_score(callback["monitor"], float(callback["best_model_score"]), over)
    for name, value in checkpoint.get("scores", {}).items():
        return named_score(name if name.startswith("val") else f"val/{name}", value, over)
    return "unknown"


def named_score(name: str, value: float, over: str) -> str:
    """A score in words; see `best_score`."""
    return f"{name} {value:.4f}{f' ({over})' if over and name.startswith('val') else ''}"


def _alternative(path: str | Path) -> str:
    before = previous(as_path(path))
    if before.is_file():
        return f"the previous one is {before}"
    return f"expected a file that `triptych fit` saved, such as {RunLayout(Path('runs/camvid/NAME')).best}"
