"""A model from a checkpoint or a run folder, whatever its task."""

from pathlib import Path

from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import RunLayout
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
    """The model that a fit or a recipe saved, on the CPU.

    Args:
        path: A checkpoint, or a run folder; see `RunLayout.find_checkpoint`.

    Raises:
        FileNotFoundError: There is nothing at `path`, or no checkpoint in the folder.
        ValueError: It is no whole checkpoint, or none of the three tasks'.
    """
    checkpoint = RunLayout(Path(path)).find_checkpoint() if Path(path).is_dir() else Path(path)
    known = read_checkpoint(checkpoint).get("hyper_parameters", {})
    for name, task in _TASKS.items():
        if name in known:
            return task.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    raise ValueError(
        f"{checkpoint}: expected a checkpoint of UNetSegmenter, PointRegressor or MultiLabelClassifier, got one "
        f"without {', '.join(_TASKS)} among its hyper-parameters."
    )
