"""Images without labels, with the predictions of a model."""

import copy
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.samples import SampleDataset
from triptych.datasets.images import read_rgb
from triptych.datasets.sample import Sample
from triptych.draw.batch import short_names
from triptych.models.evaluation_mode import evaluation_mode
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask
from triptych.tasks.load import load_model


def show_prediction(model: TransferTask | str | Path, data: TriptychDataModule, picture: str | Path) -> Figure:
    """Any image with the model's prediction: its classes, its points, or its tags with their probabilities.

    The model gets the image at the validation size of `data`; the figure shows it at its own size.

    Args:
        model: A fitted model, a checkpoint, or a run folder.
        data: Data of the model's own task; not changed.
        picture: An image of any size, a folder of images, or a list of their paths (`.txt`).

    Raises:
        FileNotFoundError: The image or the checkpoint does not exist.
        RuntimeError: The model's network is not built yet.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    dataset = _dataset(data, picture)
    samples = [dataset[i] for i in range(len(dataset))]
    preds, paths = [_predict(task, sample) for sample in samples], [sample["path"] for sample in samples]
    return panel_for(task).predictions([read_rgb(Path(path)) for path in paths], short_names(paths), preds)


def _dataset(data: TriptychDataModule, picture: str | Path) -> SampleDataset:
    """The images, loaded as in `Trainer.predict`."""
    predict_data = copy.copy(data)
    predict_data.predict_path, predict_data.records = str(picture), {}
    predict_data.setup("predict")
    dataset = predict_data.predict_dataloader().dataset
    assert isinstance(dataset, SampleDataset)
    return dataset


def _predict(model: TransferTask, sample: Sample) -> Tensor:
    """Output of `predict_step` for one image, on the CPU."""
    batch = {"image": sample["image"][None].to(model.device), "size": sample["size"][None].to(model.device)}
    with evaluation_mode(model):
        prediction: Tensor = model.predict_step(batch, 0)[0]
    return prediction.cpu()
