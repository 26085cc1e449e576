"""An exported model of texts with a number for each word, made without torch: it counts good and bad words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from triptych.exported import DataCard, ExportedFolder, Manifest, Scores
from triptych.exported.folder import file_card
from triptych.text import PAD_ID, SPECIAL, Tokenizer, Vocab

CATEGORIES = ["negative", "positive"]
WORDS = {"bad": -2.0, "dull": -1.0, "film": 0.0, "!": 0.5, "fine": 1.0, "great": 2.0}
"""What a word adds to the logit of the second category; an unknown one adds nothing."""
VOCAB = Vocab((*SPECIAL, *WORDS))


def write_text_model(folder: Path, **known: Any) -> ExportedFolder:
    """Writes the model.

    Args:
        folder: The folder; it is created.
        known: Further fields of the manifest.
    """
    exported = ExportedFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_model(), exported.onnx)
    VOCAB.save(exported.vocab)
    exported.tokenizer.write_text(json.dumps(Tokenizer.english().rules), encoding="utf-8")
    fields: dict[str, Any] = {
        **{"task": "category", "input": "text", "encoder": "awd-lstm", "in_channels": None, "image_size": None},
        **{"names": CATEGORIES, "hyper_parameters": {"max_len": 1440}},
        "data": DataCard("made-up", "is_valid", 8),
        "scores": Scores("is_valid", 4, {"accuracy": 0.75}),
        "files": {path.name: file_card(path) for path in (exported.onnx, exported.vocab, exported.tokenizer)},
    }
    exported.manifest.write_text(Manifest(**{**fields, **known}).text(), encoding="utf-8")
    return exported


def _model() -> onnx.ModelProto:
    """Sums the row of each token, (V, 2), over those that are no padding."""
    table = np.zeros((len(VOCAB), 2), np.float32)
    table[len(SPECIAL) :, 1] = [*WORDS.values()]
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"]),
        helper.make_node("Equal", ["tokens", "pad"], ["is_pad"]),
        helper.make_node("Not", ["is_pad"], ["is_word"]),
        helper.make_node("Cast", ["is_word"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "last"], ["mask"]),
        helper.make_node("Mul", ["rows", "mask"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "middle"], ["logits"], keepdims=0),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = {"table": table, "pad": np.int64(PAD_ID), "last": np.array([2]), "middle": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
