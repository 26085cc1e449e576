"""The network of a model as an ONNX graph: plain uint8 images or int64 tokens in, float32 answers out."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from triptych.datasets.sample import Target
from triptych.errors import one_line
from triptych.export.examples import Example
from triptych.tasks.base import TransferTask

OUTPUTS: dict[Target, str] = {
    "mask": "logits",
    "point": "points",
    "labels": "probabilities",
    "category": "probabilities",
}
"""Name of the graph's output."""
_PADDED_BY_SIZE = "Same"
"""End of the names of timm's classes that pad by numbers which follow from the size of the image."""


class PlainNetwork(nn.Module):
    """A network of a task whose output needs no further layer.

    Args:
        network: The network.
        target: The task.

    Shape: images uint8 (N, C, H, W) of any size; float32 logits (N, K, H, W) of `"mask"`, points (N, P, 2) of
        `"point"`, probabilities (N, L) of `"labels"`. Tokens int64 (N, T); probabilities (N, K) of `"category"`.
    """

    def __init__(self, network: nn.Module, target: Target) -> None:
        super().__init__()
        self.network, self.target = network, target

    def forward(self, given: Tensor) -> Tensor:
        output: Tensor = self.network(given).float()
        if self.target == "category":
            return output.softmax(dim=1)
        return output.sigmoid() if self.target == "labels" else output


def plain_network(model: TransferTask) -> PlainNetwork:
    """The network of a model, in evaluation mode.

    Raises:
        ValueError: Its encoder pads as TensorFlow does; torch finds no graph of it for images of any size.
    """
    assert model.network is not None
    if any(type(module).__name__.endswith(_PADDED_BY_SIZE) for module in model.network.modules()):
        raise ValueError(
            "encoder: expected one that torch can write as ONNX for images of any size, got "
            f"{model.hparams['encoder']}, which pads as TensorFlow does; train with another, such as "
            "timm-tf_efficientnet_lite0 or resnet34."
        )
    return PlainNetwork(model.network, model.target).eval()


def write_graph(network: PlainNetwork, example: Example, path: Path) -> None:
    """Writes a network as ONNX; the number of images or texts, and their sides or length, stay open.

    Args:
        network: The network, on the CPU.
        example: What it is traced with.
        path: The file.

    Raises:
        ValueError: torch cannot translate the network.
    """
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and onnxscript, about their own code
        try:
            program = torch.onnx.export(
                network,
                (example.batch,),
                dynamo=True,
                dynamic_shapes=(example.sides,),
                input_names=[example.name],
                output_names=[OUTPUTS[network.target]],
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ValueError(
                f"expected a network that torch can write as ONNX, got one that it cannot; {one_line(error)}"
            ) from error
    assert program is not None
    program.save(path)
