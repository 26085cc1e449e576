"""Checkpoints: written whole or not at all, and read without building anything from them."""

import contextlib
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from triptych.files import atomic_save
from triptych.runs.layout import RunLayout, previous


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint under another name in its folder, and renames it once it is written."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        if "://" in str(path):  # a bucket: its own upload is whole or not at all
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_save(path, lambda half: torch.save(checkpoint, half))


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint of Lightning's; its tensors stay on disk until they are used.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a checkpoint, or not a whole one.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"ckpt_path: {path} is not there; {_instead(path)}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch runs into whatever the bytes lead it to
        raise ValueError(f"ckpt_path: {path} is no checkpoint, or not a whole one; {_instead(path)}.") from error
    if not isinstance(state, dict) or not {"state_dict", "pytorch-lightning_version"} <= state.keys():
        raise ValueError(f"ckpt_path: {path} holds no checkpoint of Lightning's; {_instead(path)}.")
    return state


def newest_readable(last: Path) -> Path | None:
    """`last` where it is a whole checkpoint, else the one before it; None where there is neither."""
    for path in (last, previous(last)):
        with contextlib.suppress(FileNotFoundError, ValueError):
            read_checkpoint(path)
            return path
    return None


def best_score(path: str | Path) -> str:
    """What the checkpoint callback monitored, and the best value it had seen; else the last score, or "unknown"."""
    checkpoint = read_checkpoint(path)
    for callback in checkpoint.get("callbacks", {}).values():
        if callback.get("best_model_score") is not None:
            return f"{callback['monitor']} {callback['best_model_score']:.4f}"
    for name, value in checkpoint.get("scores", {}).items():
        return f"val/{name} {value:.4f}"
    return "unknown"


def _instead(path: str | Path) -> str:
    replaced = previous(Path(path))
    if replaced.is_file():
        return f"the one before it is {replaced}"
    return f"expected a file that `triptych fit` saved, such as {RunLayout(Path('runs/camvid/NAME')).best}"
