"""Exported models of a few weights, made without torch: what they answer follows from the colours of an image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from exported_texts import write_text_model
from onnx import TensorProto, helper, numpy_helper

from triptych.exported import DataCard, ExportedFolder, Manifest, Scores
from triptych.exported.folder import file_card
from triptych.exported.manifest import Task

CLASSES = ["sky", "road", "tree"]
TAGS = ["clear", "water", "road"]
POINTS = ["left_eye", "right_eye"]
SIZE = (24, 32)
"""(height, width) of the images that they were validated on."""

_SHARED: dict[str, Any] = {
    "encoder": "none",
    "in_channels": 3,
    "image_size": SIZE,
    "data": DataCard("made-up", "valid.txt", 8),
    "scores": Scores("valid.txt", 4, {"accuracy": 0.75}),
}
_MANIFESTS: Mapping[str, Mapping[str, Any]] = {
    "mask": {
        **{"names": CLASSES, "palette": [(255, 0, 0), (0, 255, 0), (0, 0, 255)], "ignore_index": 255},
        "hyper_parameters": {"class_names": CLASSES},
    },
    "point": {"names": POINTS, "hyper_parameters": {"point_names": POINTS}},
    "labels": {
        **{"names": TAGS, "thresholds": {"fixed": [0.5, 0.5, 0.5]}},
        "hyper_parameters": {"tags": TAGS, "threshold": 0.5},
    },
}


def write_exported(folder: Path, task: Task) -> ExportedFolder:
    """Writes a model of a task.

    The class of a pixel is its strongest colour: red sky, green road, blue tree. The tags are those of the mean
    colour, in the same order. The left eye is at y = mean red and x = mean green, the right eye at the mirrored place.
    For the category of a text see `exported_texts`.

    Args:
        folder: The folder; it is created.
        task: Of the model.
    """
    if task == "category":
        return write_text_model(folder)
    exported = ExportedFolder(folder)
    folder.mkdir(parents=True)
    onnx.save(_model(task), exported.onnx)
    files = {"model.onnx": file_card(exported.onnx)}
    manifest = Manifest(task=task, files=files, **_SHARED, **_MANIFESTS[task])
    exported.manifest.write_text(manifest.text(), encoding="utf-8")
    return exported


def _model(task: str) -> onnx.ModelProto:
    cast = helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)
    nodes = [
        cast,
        helper.make_node("Div", ["floats", "white"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["mean"], keepdims=0),
    ]
    constants: dict[str, Any] = {"white": np.float32(255), "axes": np.array([2, 3])}
    match task:
        case "mask":
            output, shape = "logits", ["n", 3, "h", "w"]
            nodes, constants = [cast, helper.make_node("Div", ["floats", "ten"], ["logits"])], {"ten": np.float32(10)}
        case "labels":
            output, shape = "probabilities", ["n", 3]
            nodes.append(helper.make_node("Identity", ["mean"], ["probabilities"]))
        case "point":
            output, shape = "points", ["n", 2, 2]
            constants |= {
                "matrix": np.array([[2, 0, 2, 0], [0, 2, 0, -2], [0, 0, 0, 0]], np.float32),
                "offset": np.array([-1, -1, -1, 1], np.float32),
                "shape": np.array([-1, 2, 2]),
            }
            nodes += [
                helper.make_node("MatMul", ["mean", "matrix"], ["turned"]),
                helper.make_node("Add", ["turned", "offset"], ["flat"]),
                helper.make_node("Reshape", ["flat", "shape"], ["points"]),
            ]
        case _:
            raise ValueError(f"expected mask, point or labels, got {task}.")
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
