"""Images without labels, with the predictions of a model."""

import copy
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.images import ImageDataModule
from triptych.datamodules.samples import SampleDataset
from triptych.datasets.sample import Record, Sample
from triptych.draw.batch import short_names
from triptych.images import Scale
from triptych.show.panels import panel_for
from triptych.tasks.base import TransferTask
from triptych.tasks.inputs import as_list, read_image
from triptych.tasks.load import load_model
from triptych.trainer.evaluation_mode import evaluation_mode


def show_prediction(model: TransferTask | str | Path, data: TriptychDataModule, picture: Any) -> Figure:
    """Any image with the model's prediction: its classes, its points, or its tags with their probabilities.

    The model gets the image at the validation size of `data`, or in its tiles; the figure shows it at its own size.

    Args:
        model: A fitted model, a checkpoint, or a run folder.
        data: Data of the model's own task; not changed.
        picture: What `model.predict` takes: the path of an image, a PIL image, an array uint8 (H, W, C), or a list of
            them; or a folder of images, or a file with their paths (`.txt`).

    Raises:
        FileNotFoundError: The image or the checkpoint does not exist.
        RuntimeError: The model's network is not built yet.
        ValueError: It is no image, or has another number of channels than the model takes.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    dataset = _dataset(data, picture, task.hparams["in_channels"])
    samples = [dataset[i] for i in range(len(dataset))]
    images = [dataset.records[i]["image"][..., :3] for i in range(len(dataset))]
    names = short_names([sample["path"] for sample in samples])
    return panel_for(task).predictions(images, names, [_predict(task, sample) for sample in samples])


def _dataset(data: TriptychDataModule, picture: Any, in_channels: int) -> SampleDataset:
    """The images, loaded as in `Trainer.predict`."""
    predict_data = copy.copy(data)
    if isinstance(picture, (str, Path)):
        predict_data.predict_path, predict_data.records = str(picture), {}
        predict_data.setup("predict")
    else:
        assert isinstance(data, ImageDataModule)
        predict_data.records = {
            "predict": [
                _record(number, image, in_channels, data.scale)
                for number, image in enumerate(as_list(picture), start=1)
            ]
        }
    dataset = predict_data.predict_dataloader().dataset
    assert isinstance(dataset, SampleDataset)
    return dataset


def _record(number: int, image: Any, in_channels: int, scale: Scale | None) -> Record:
    path = str(image) if isinstance(image, (str, Path)) else f"image {number}"
    return Record(image=read_image(image, in_channels, scale).permute(1, 2, 0).numpy(), path=path)


def _predict(model: TransferTask, sample: Sample) -> Tensor:
    """Output of `predict_step` for one image, on the CPU."""
    batch = {"image": sample["image"][None].to(model.device), "size": sample["size"][None].to(model.device)}
    if "tile" in sample:
        batch["tile"] = torch.tensor([sample["tile"]])
    with evaluation_mode(model):
        prediction: Tensor = model.predict_step(batch, 0)[0]
    return prediction.cpu()
