"""Loads a model of any task from a checkpoint or a run folder."""

from pathlib import Path

from triptych.files import plain_path
from triptych.runs.checkpoint import read_hyper_parameters
from triptych.runs.layout import checkpoint_of
from triptych.tasks.base import TransferTask
from triptych.tasks.multilabel import MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter

_TASKS: dict[str, type[TransferTask]] = {
    "num_classes": UNetSegmenter,
    "num_points": PointRegressor,
    "num_labels": MultiLabelClassifier,
}
"""Each task by a hyper-parameter that no other task has."""


def load_model(path: str | Path) -> TransferTask:
    """Loads the model that a fit or a recipe saved, on the CPU.

    Args:
        path: A checkpoint, or a run folder; see `RunLayout.find_checkpoint`.

    Raises:
        FileNotFoundError: `path` does not exist, or the folder has no checkpoint.
        ValueError: The checkpoint is incomplete, not of one of the three tasks, or of a class that is not loaded.
    """
    checkpoint = checkpoint_of(path)
    hparams = read_hyper_parameters(checkpoint)
    for name, task in _TASKS.items():
        if name in hparams:
            return task.load_from_checkpoint(plain_path(checkpoint), map_location="cpu", weights_only=True)
    raise ValueError(
        f"{checkpoint}: expected a checkpoint of UNetSegmenter, PointRegressor or MultiLabelClassifier, got one "
        f"without {', '.join(_TASKS)} among its hyper-parameters."
    )
