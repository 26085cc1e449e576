"""Images without labels, and what a model predicts for them."""

import copy
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.samples import SampleDataset
from triptych.datasets.images import read_rgb
from triptych.datasets.sample import Sample
from triptych.draw.batch import short_names
from triptych.evaluation.evaluate import evaluation_mode
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask
from triptych.tasks.load import load_model


def show_prediction(model: TransferTask | str | Path, data: TriptychDataModule, picture: str | Path) -> Figure:
    """Any image with what the model predicts: its classes, its points, or its tags with their probabilities.

    The model gets it in the size in which `data` validates; it is shown in its own.

    Args:
        model: A model that was fitted, a checkpoint, or a run folder.
        data: Data of the model's own task; not changed.
        picture: An image of any size, a folder of images, or a list of their paths (`.txt`).

    Raises:
        FileNotFoundError: There is no such image or checkpoint.
        RuntimeError: The model's network is not built yet.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    samples = _samples(data, picture)
    taken = [samples[i] for i in range(len(samples))]
    preds, paths = [_predicted(task, sample) for sample in taken], [sample["path"] for sample in taken]
    return panel_for(task).predictions([read_rgb(Path(path)) for path in paths], short_names(paths), preds)


def _samples(data: TriptychDataModule, picture: str | Path) -> SampleDataset:
    """The images as a prediction gets them."""
    asked = copy.copy(data)
    asked.predict_path, asked.records = str(picture), {}
    asked.setup("predict")
    samples = asked.predict_dataloader().dataset
    assert isinstance(samples, SampleDataset)
    return samples


def _predicted(model: TransferTask, sample: Sample) -> Tensor:
    """What `predict_step` gives for one image, on the CPU."""
    batch = {"image": sample["image"][None].to(model.device), "size": sample["size"][None].to(model.device)}
    with evaluation_mode(model):
        prediction: Tensor = model.predict_step(batch, 0)[0]
    return prediction.cpu()
