"""A model from a checkpoint or a run folder, whatever its task."""

import re
from pathlib import Path

from triptych.checkpoints import read_checkpoint
from triptych.tasks.base import TransferTask
from triptych.tasks.multilabel import MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter

_TASKS: dict[str, type[TransferTask]] = {
    "num_classes": UNetSegmenter,
    "num_points": PointRegressor,
    "num_labels": MultiLabelClassifier,
}
"""The hyper-parameter that only this task has."""


def load_model(path: str | Path) -> TransferTask:
    """The model that a fit or a recipe saved, on the processor.

    Args:
        path: A checkpoint, or a run folder: its `checkpoints/best.ckpt`, else that of its last stage, or the newest.

    Raises:
        FileNotFoundError: There is nothing at `path`, or no checkpoint in the folder.
        ValueError: It is no whole checkpoint, or none of the three tasks'.
    """
    checkpoint = find_checkpoint(Path(path)) if Path(path).is_dir() else Path(path)
    known = read_checkpoint(checkpoint).get("hyper_parameters", {})
    for name, task in _TASKS.items():
        if name in known:
            return task.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    raise ValueError(
        f"{checkpoint}: expected a checkpoint of UNetSegmenter, PointRegressor or MultiLabelClassifier, got one "
        f"without {', '.join(_TASKS)} among its hyper-parameters."
    )


def find_checkpoint(run: Path) -> Path:
    """`checkpoints/best.ckpt` of a run folder, else that of its last stage, else the one that was written last.

    Raises:
        FileNotFoundError: There is none.
    """
    folder = run / "checkpoints"
    if (folder / "best.ckpt").is_file():
        return folder / "best.ckpt"
    found = [path for path in folder.glob("*.ckpt") if not path.name.startswith((".", "before_"))]
    if not found:
        raise FileNotFoundError(
            f"{run}: expected a run folder with a checkpoint in checkpoints/, found none; "
            "give a run such as runs/camvid/NAME, or fit with a ModelCheckpoint."
        )
    return max(found, key=lambda path: (stage_number(path), path.stat().st_mtime, path.name))


def stage_number(checkpoint: Path) -> int:
    """The number, from 1, of the stage of a recipe that wrote a checkpoint; 0 where none did."""
    found = re.match(r"(\d+)-", checkpoint.name)
    return int(found[1]) if found else 0
