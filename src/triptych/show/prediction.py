"""Images or texts without labels, with the predictions of a model."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.images import ImageDataModule
from triptych.datamodules.imdb import IMDBDataModule
from triptych.datamodules.samples import SampleDataset
from triptych.datasets.given_texts import texts_at
from triptych.datasets.sample import Record, Sample, TextSample
from triptych.datasets.texts import TextRecord
from triptych.draw.batch import short_names
from triptych.images import Scale
from triptych.show.panels import panel_for
from triptych.show.panels.base import ImagePanel
from triptych.tasks.base import TransferTask
from triptych.tasks.inputs import as_list, read_image
from triptych.tasks.load import load_model
from triptych.tasks.texts import TextTask
from triptych.trainer.evaluation_mode import evaluation_mode


def show_prediction(model: TransferTask | str | Path, data: TriptychDataModule, picture: Any) -> Figure:
    """Any image or text with the model's prediction.

    An image with its classes, its points, or its tags with their probabilities; a text with its category, or each of
    its tokens by whether a language model expects it. The model gets an image at the validation size of `data`, or in
    its tiles; the figure shows it at its own size.

    Args:
        model: A fitted model, a checkpoint, or a run folder.
        data: Data of the model's own task; not changed.
        picture: What `model.predict` takes: the path of an image, a PIL image, an array uint8 (H, W, C), or a list of
            them; or a folder of images, or a file with their paths (`.txt`). For texts a sentence or a list of them; or
            a `.txt` file, a folder of such files, or a table.

    Raises:
        FileNotFoundError: The image, the text or the checkpoint does not exist.
        RuntimeError: The model's network is not built yet.
        ValueError: It is no image, or has another number of channels than the model takes; or a text is empty.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    if isinstance(task, TextTask):
        return _show_texts(task, data, picture)
    dataset = _dataset(data, picture, task.hparams["in_channels"])
    samples = [dataset[i] for i in range(len(dataset))]
    images = [dataset.records[i]["image"][..., :3] for i in range(len(dataset))]
    names = short_names([sample["path"] for sample in samples])
    panel = panel_for(task)
    assert isinstance(panel, ImagePanel)
    return panel.predictions(images, names, [_predict(task, sample) for sample in samples])


def _show_texts(model: TextTask, data: TriptychDataModule, given: str | Path | Sequence[str | Path]) -> Figure:
    samples = [_text_sample(model, record) for record in _text_records(data, given)]
    with evaluation_mode(model):
        preds = [model.predicted(sample["tokens"][None].to(model.device))[0].float().cpu() for sample in samples]
    return panel_for(model).results(list(zip(samples, preds, strict=True)))


def _text_records(data: TriptychDataModule, given: str | Path | Sequence[str | Path]) -> list[TextRecord]:
    if not isinstance(data, IMDBDataModule):
        raise ValueError(f"data: expected those of a model of texts, an IMDBDataModule, got {type(data).__name__}.")
    several = [given] if isinstance(given, (str, Path)) else given
    return [record for one in several for record in texts_at(one, data.text_column)]


def _text_sample(model: TextTask, record: TextRecord) -> TextSample:
    """A text in the vocabulary of the model, with the token after each as target if that is what is predicted."""
    tokens = model.numericalized(record["text"])
    sample = TextSample(tokens=tokens, path=record["path"], size=torch.tensor(len(tokens)))
    if model.target == "next":
        sample |= TextSample(tokens=tokens[:-1], next=tokens[1:])
    return sample


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
