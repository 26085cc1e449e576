"""Folders of exported models with networks of a few weights, written without torch in milliseconds."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper, save

from triptych.exported import ExportedFolder, Manifest
from triptych.exported.folder import file_card

NAMES = {"mask": ["sky", "road", "car", "void"], "point": ["left", "right"], "labels": ["clear", "haze", "water"]}
SIZE = (24, 32)
OUTPUTS = {"mask": "logits", "point": "points", "labels": "probabilities"}


def weights(task: str, channels: int = 3) -> npt.NDArray[np.float32]:
    """What the network of a task multiplies the channels with, (outputs, channels)."""
    outputs = 2 * len(NAMES[task]) if task == "point" else len(NAMES[task])
    values = np.random.default_rng(len(task)).normal(scale=0.02, size=(outputs, channels))
    return (values - values.mean(axis=1, keepdims=True)).astype(np.float32)


def write_exported(folder: Path, task: str, channels: int = 3, **known: Any) -> Path:
    """Writes a model: logits by pixel, or points or probabilities by the mean colour; returns its folder.

    Args:
        folder: The folder.
        task: Its task.
        channels: Channels of its images.
        known: Further fields of the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = ExportedFolder(folder)
    _write_network(files.onnx, task, channels)
    fields: dict[str, Any] = {
        "task": task,
        "encoder": "tiny",
        "in_channels": channels,
        "image_size": SIZE,
        "names": NAMES[task],
        "hyper_parameters": {},
        "files": {files.onnx.name: file_card(files.onnx)},
    }
    if task == "mask":
        fields |= {"ignore_index": 3, "palette": [(70, 130, 180), (128, 64, 128), (0, 0, 142), (0, 0, 0)]}
    if task == "labels":
        fields["thresholds"] = {"fixed": [0.5, 0.5, 0.4]}
    files.manifest.write_text(Manifest(**{**fields, **known}).text(), encoding="utf-8")
    return folder


def _write_network(path: Path, task: str, channels: int) -> None:
    matrix = weights(task, channels)
    constants = {"kernel": matrix[..., None, None], "sides": np.array([2, 3], np.int64)}
    nodes = [helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT)]
    if task == "mask":
        nodes.append(helper.make_node("Conv", ["pixels", "kernel"], ["logits"]))
    else:
        nodes.append(helper.make_node("ReduceMean", ["pixels", "sides"], ["mean"], keepdims=1))
        nodes.append(helper.make_node("Conv", ["mean", "kernel"], ["values"]))
        end = "Tanh" if task == "point" else "Sigmoid"
        constants["shape"] = np.array([0, -1, 2] if task == "point" else [0, -1], np.int64)
        nodes.append(helper.make_node("Reshape", ["values", "shape"], ["flat"]))
        nodes.append(helper.make_node(end, ["flat"], [OUTPUTS[task]]))
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", channels, "H", "W"])],
        [helper.make_tensor_value_info(OUTPUTS[task], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items() if name in used],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
