"""What is known about a model: the manifest of its export, but for scores and files."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any, Literal, cast, get_args

import torch

from triptych.datamodules.split_module import SplitDataModule
from triptych.datasets.camvid_classes import class_colors
from triptych.datasets.credit import credit_of
from triptych.datasets.sample import Target
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

Precision = Literal["float32", "float16", "int8"]
"""Of the weights of `model.onnx`, and of what it computes in."""
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
        task=_exportable(model.target),
        encoder=hparams["encoder"],
        in_channels=hparams["in_channels"],
        image_size=data.image_size,
        names=names,
        hyper_parameters={name: hparams[name] for name in constructor_arguments(type(model)) if name in hparams}
        | {"encoder_weights": None},
        form=model.form,
        ignore_index=hparams.get("ignore_index"),
        palette=_palette(names) if model.target == "mask" else None,
        thresholds=_thresholds(model) if isinstance(model, MultiLabelClassifier) else None,
        label_map=_label_map(data.arguments.get("label_map")),
        scale=plain(data.arguments.get("scale")),
        precision=precision,
        data=_card(data.module, names) if isinstance(data.module, SplitDataModule) else None,
        versions={name: trained[name] for name in _TRAINED_WITH if name in trained}
        | {name: metadata.version(name) for name in _EXPORTED_WITH},
    )


def names_of(model: TransferTask) -> list[str]:
    """Name of each class, point or tag of a model."""
    if isinstance(model, UNetSegmenter):
        return model.class_names
    if isinstance(model, PointRegressor):
        return model.point_names
    assert isinstance(model, MultiLabelClassifier)
    return model.tags


def _palette(names: list[str]) -> list[tuple[int, int, int]]:
    return [(int(red), int(green), int(blue)) for red, green, blue in class_colors(names)]


def _thresholds(model: MultiLabelClassifier) -> dict[str, list[float]]:
    """The thresholds by each choice; those that no validation has chosen are left out."""
    rows = dict(zip(CHOICES, model.thresholds, strict=True)) | {"fixed": model.thresholds_by("fixed")}
    return {choice: row.tolist() for choice, row in rows.items() if not row.isnan().any()}


def _label_map(label_map: Mapping[Any, str | None] | None) -> dict[str, str | None] | None:
    return None if label_map is None else {str(key): name for key, name in label_map.items()}


def _card(data: SplitDataModule, names: list[str]) -> DataCard:
    licence, credit = credit_of(data.data_set, names)
    return DataCard(data.data_set, data.parts.how, len(data.parts.train), licence, credit)


def _exportable(target: Target) -> Task:
    """The task of an exported model.

    Raises:
        ValueError: No export knows the target.
    """
    for task in get_args(Task):
        if task == target:
            return cast(Task, task)
    raise ValueError(f"export: expected a model that predicts one of {', '.join(get_args(Task))}, got {target!r}.")
