"""Scores of an exported file on a validation split, with the task's own metrics."""

import os
from pathlib import Path

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.images import ImageDataModule
from triptych.datamodules.imdb import IMDBDataModule
from triptych.evaluation.validate import validate
from triptych.export.session import use_onnx
from triptych.exported import ExportedFolder, Scores
from triptych.tasks.base import TransferTask
from triptych.tasks.load import task_of

_PREFIX = "val/"
_LOSS = "val/loss"


def score_file(model: TransferTask, path: Path, data: TriptychDataModule) -> Scores:
    """The scores of a graph.

    Args:
        model: The model that was exported; its network is not used.
        path: The graph.
        data: Data of its task, whose validation samples are scored.
    """
    network = model.network
    try:
        use_onnx(model, path)
        found = validate(model, data, accelerator="cpu")
    finally:
        model.network = network
    values = {name.removeprefix(_PREFIX): float(value) for name, value in found.items() if name != _LOSS}
    how, count, known = data.chosen_by("val") or type(data).__name__, len(data.records["val"]), model.split_scores
    return Scores(how, count, values) if known is None else Scores(how, count, values, known.intervals, known.drawn)


def score(folder: str | os.PathLike[str], data: TriptychDataModule) -> Scores:
    """The scores of an exported model on the validation split of some data.

    Images have the size that it was validated on, and texts its vocabulary.

    Args:
        folder: A folder of `export_model`.
        data: Data of its task.

    Raises:
        FileNotFoundError: The folder or the data do not exist.
        BadSampleError: A file has changed since the export.
        ValueError: The data are of another task, or have other classes, points, tags or categories.
    """
    exported = ExportedFolder(Path(folder))
    manifest = exported.read(exported.onnx)
    if isinstance(data, ImageDataModule):
        data.valid_size = manifest.image_size
    elif isinstance(data, IMDBDataModule):
        data.given_vocab = str(exported.vocab)
    model = task_of(manifest.task).from_manifest(manifest, exported.manifest)
    return score_file(model, exported.onnx, data)
