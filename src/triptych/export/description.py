"""What is known about a model: the manifest of its export, but for scores and files."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any, Literal, cast, get_args

import torch

from triptych.datamodules.imdb import IMDBDataModule
from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.credit import credit_of
from triptych.export.run_data import RunData
from triptych.exported import DataCard, Manifest
from triptych.exported.manifest import Task
from triptych.runs.environment import environment
from triptych.runs.plain_values import plain
from triptych.tasks.base import TransferTask
from triptych.tasks.multilabel import CHOICES, MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter
from triptych.tasks.start import constructor_arguments
from triptych.tasks.text_classifier import TextClassifier

Precision = Literal["float32", "float16", "int8"]
"""Of the weights of `model.onnx`, and of what it computes in."""
_RECURRENT = "awd_lstm"
"""The encoder of all models of texts."""
_TRAINED_WITH = ("triptych", "Lightning", "PyTorch")
_EXPORTED_WITH = ("onnx", "onnxscript", "onnxruntime")


def describe(
    model: TransferTask,
    checkpoint: Mapping[str, Any],
    data: RunData,
    precision: Precision,
) -> Manifest:
    """The manifest of a model.

    Args:
        model: The model.
        checkpoint: What it was loaded from.
        data: Its data.
        precision: Of the network that is written.
    """
    hparams, names = model.hparams, names_of(model)
    trained = checkpoint.get("environment") or environment(torch.device("cpu"))
    return Manifest(
        task=task_of(model),
        encoder=hparams.get("encoder", _RECURRENT),
        in_channels=hparams.get("in_channels"),
        image_size=data.image_size,
        names=names,
        input="image" if model.input == "image" else "text",
        hyper_parameters={name: hparams[name] for name in constructor_arguments(type(model)) if name in hparams}
        | {"encoder_weights": None},
        form=model.form if model.input == "image" else {},  # a vocabulary is a file of its own
        ignore_index=hparams.get("ignore_index"),
        palette=_palette(names) if model.target == "mask" else None,
        thresholds=_thresholds(model) if isinstance(model, MultiLabelClassifier) else None,
        label_map=_label_map(data.arguments.get("label_map")),
        scale=plain(data.arguments.get("scale")),
        precision=precision,
        data=_card(data.module, names) if isinstance(data.module, SplitDataModule | IMDBDataModule) else None,
        versions={name: trained[name] for name in _TRAINED_WITH if name in trained}
        | {name: metadata.version(name) for name in _EXPORTED_WITH},
    )


def task_of(model: TransferTask) -> Task:
    """The task of a model's export.

    Raises:
        ValueError: It is a language model, which no runtime runs.
    """
    for task in get_args(Task):
        if task == model.target:
            return cast(Task, task)
    raise ValueError(
        f"export: expected a model that predicts one of {', '.join(get_args(Task))}, got a {type(model).__name__}; "
        "train a TextClassifier with `encoder_weights` of this run, and export that."
    )


def names_of(model: TransferTask) -> list[str]:
    """Name of each class, point, tag or category of a model."""
    if isinstance(model, UNetSegmenter):
        return model.class_names
    if isinstance(model, PointRegressor):
        return model.point_names
    if isinstance(model, MultiLabelClassifier):
        return model.tags
    assert isinstance(model, TextClassifier)
    return model.categories


def _palette(names: list[str]) -> list[tuple[int, int, int]]:
    return [(int(red), int(green), int(blue)) for red, green, blue in class_colors(names)]


def _thresholds(model: MultiLabelClassifier) -> dict[str, list[float]]:
    """The thresholds by each choice; those that no validation has chosen are left out."""
    rows = dict(zip(CHOICES, model.thresholds, strict=True)) | {"fixed": model.thresholds_by("fixed")}
    return {choice: row.tolist() for choice, row in rows.items() if not row.isnan().any()}


def _label_map(label_map: Mapping[Any, str | None] | None) -> dict[str, str | None] | None:
    return None if label_map is None else {str(key): name for key, name in label_map.items()}


def _card(data: SplitDataModule | IMDBDataModule, names: list[str]) -> DataCard:
    licence, credit = credit_of(data.data_set, names)
    return DataCard(data.data_set, data.parts.how, len(data.parts.train), licence, credit)
