"""Pictures without labels, and what a model sees in them."""

from __future__ import annotations

import copy
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.samples import Sample, Samples
from triptych.datasets.images import read_rgb
from triptych.show.batch import short_names
from triptych.show.evaluation import evaluation_mode
from triptych.show.flowing_text import sentence
from triptych.show.marks import mark_keys
from triptych.show.mask_colors import class_keys, paint
from triptych.show.saved_model import load_model
from triptych.show.sheet import Tile, sheet
from triptych.tasks import MultiLabelClassifier, UNetSegmenter
from triptych.tasks.base import TransferTask

COLUMNS = 3
_WIDTH = 4.2  # inches


def show_prediction(model: TransferTask | str | Path, data: TriptychDataModule, picture: str | Path) -> Figure:
    """Any picture with what the model predicts: its classes, its points, or its tags with their probabilities.

    The model gets it in the size in which `data` validates; it is shown in its own.

    Args:
        model: A model that was fitted, a checkpoint, or a run folder.
        data: Data of the model's own task; not touched.
        picture: A picture of any size, a folder of pictures, or a list of their paths (`.txt`).

    Raises:
        FileNotFoundError: There is no such picture or checkpoint.
        RuntimeError: The model's network is not built yet.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    samples = _samples(data, picture)
    taken = [samples[i] for i in range(len(samples))]
    found, paths = [_predicted(task, sample) for sample in taken], [sample["path"] for sample in taken]
    names, pictures = short_names(paths), [read_rgb(Path(path)) for path in paths]
    if isinstance(task, UNetSegmenter):
        masks, of_classes = [ids.long().numpy() for ids in found], (task.class_names, task.hparams["ignore_index"])
        painted = [paint(image, mask, *of_classes) for image, mask in zip(pictures, masks, strict=True)]
        return sheet(list(map(Tile, painted, names)), COLUMNS, _WIDTH, class_keys(masks, *of_classes))
    if isinstance(task, MultiLabelClassifier):
        words = [sentence(", ".join(_given(task, probabilities))) for probabilities in found]
        return sheet(list(map(Tile, pictures, names, words)), COLUMNS, _WIDTH)
    tiles = [
        Tile(image, name, points=points.tolist()) for image, name, points in zip(pictures, names, found, strict=True)
    ]
    return sheet(tiles, COLUMNS, _WIDTH, mark_keys(predicted=True)[1:])


def _samples(data: TriptychDataModule, picture: str | Path) -> Samples:
    """The pictures as a prediction gets them."""
    asked = copy.copy(data)
    asked.predict_path, asked.records = str(picture), {}
    asked.setup("predict")
    samples = asked.predict_dataloader().dataset
    assert isinstance(samples, Samples)
    return samples


def _predicted(model: TransferTask, sample: Sample) -> Tensor:
    """What `predict_step` gives for one picture, on the processor."""
    batch = {name: sample[name][None].to(model.device) for name in ("image", "size")}
    with evaluation_mode(model):
        prediction: Tensor = model.predict_step(batch, 0)[0]
    return prediction.cpu()


def _given(model: MultiLabelClassifier, probabilities: Tensor) -> list[str]:
    """The tags above the threshold with their probabilities, the surest first."""
    order = probabilities.argsort(descending=True).tolist()
    given = probabilities > model.thresholds_by("fixed").cpu()
    return [f"{model.tags[i]} {probabilities[i]:.2f}" for i in order if given[i]]
