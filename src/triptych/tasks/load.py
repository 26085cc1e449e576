"""Loads a model of any task from a checkpoint or a run folder."""

from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from triptych.datasets.sample import Target
from triptych.files import plain_path
from triptych.runs.checkpoint import read_hyper_parameters
from triptych.runs.layout import checkpoint_of
from triptych.tasks.base import TransferTask
from triptych.tasks.language_model import LanguageModel
from triptych.tasks.multilabel import MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter
from triptych.tasks.start import constructor_arguments
from triptych.tasks.text_classifier import TextClassifier

_TASKS: dict[str, type[TransferTask]] = {
    "num_classes": UNetSegmenter,
    "num_points": PointRegressor,
    "num_labels": MultiLabelClassifier,
    "num_categories": TextClassifier,
    "vocab_size": LanguageModel,
}
"""Each task by a hyper-parameter that no task after it has."""


def load_model(path: str | Path) -> TransferTask:
    """Loads the model that a fit or a recipe saved, on the CPU.

    If its loss was a function, which no checkpoint holds, the task's default takes its place, and a line says so.

    Args:
        path: A checkpoint, or a run folder; see `RunLayout.find_checkpoint`.

    Raises:
        FileNotFoundError: `path` does not exist, or the folder has no checkpoint.
        ValueError: The checkpoint is incomplete, of no task of triptych, or of a class that is not loaded.
    """
    checkpoint = checkpoint_of(path)
    hparams = read_hyper_parameters(checkpoint)
    for name, task in _TASKS.items():
        if name in hparams:
            chosen: dict[str, Any] = (
                {"loss": _default_loss(task, checkpoint)} if hparams.get("loss", "") is None else {}
            )
            path = plain_path(checkpoint)
            return task.load_from_checkpoint(path, map_location="cpu", weights_only=True, **chosen)
    names = ", ".join(task.__name__ for task in _TASKS.values())
    raise ValueError(
        f"{checkpoint}: expected a checkpoint of one of {names}, got one without {', '.join(_TASKS)} among its "
        "hyper-parameters."
    )


def task_of(target: Target) -> type[TransferTask]:
    """The class of the models with that target."""
    return next(task for task in _TASKS.values() if task.target == target)


def _default_loss(task: type[TransferTask], checkpoint: Path) -> str:
    default: str = constructor_arguments(task)["loss"].default
    rank_zero_info(
        f"{checkpoint}: was trained with a function as loss, which no checkpoint holds; its losses here are {default}."
    )
    return default
