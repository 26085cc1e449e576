"""What a checkpoint holds, read without building anything from it."""

from pathlib import Path
from typing import Any

import torch


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint of Lightning's; its tensors stay on disk until they are used.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a checkpoint, or not a whole one.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"ckpt_path: {path} is not there; {_EXPECTED}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch runs into whatever the bytes lead it to
        raise ValueError(f"ckpt_path: {path} is no checkpoint, or not a whole one; {_EXPECTED}.") from error
    if not isinstance(state, dict) or not {"state_dict", "pytorch-lightning_version"} <= state.keys():
        raise ValueError(f"ckpt_path: {path} holds no checkpoint of Lightning's; {_EXPECTED}.")
    return state


def best_score(path: str | Path) -> str:
    """What the checkpoint callback monitored, and the best value it had seen; "unknown" if there was none."""
    for callback in read_checkpoint(path).get("callbacks", {}).values():
        if callback.get("best_model_score") is not None:
            return f"{callback['monitor']} {callback['best_model_score']:.4f}"
    return "unknown"


_EXPECTED = "expected a file that `triptych fit` saved, such as runs/camvid/NAME/checkpoints/best.ckpt"
