"""An exported network in the place of a task's own, so that the same code scores both."""

from pathlib import Path

import torch
from torch import Tensor, nn

from triptych.datasets.sample import Target
from triptych.exported.network import open_network
from triptych.tasks.base import TransferTask

_EPSILON = 1e-7
"""Distance from 0 and 1 of the probabilities that become logits again, so that none is infinite."""


class OnnxNetwork(nn.Module):
    """A network that onnxruntime computes, on the CPU.

    Args:
        path: A file of `write_graph`.
        target: The task.

    Shape: as of the task's network; logits (N, L) of `"labels"`, (N, K) of `"category"`.
    """

    def __init__(self, path: Path, target: Target) -> None:
        super().__init__()
        self.run, self.target = open_network(path), target

    def forward(self, given: Tensor) -> Tensor:
        output = torch.from_numpy(self.run(given.numpy()))
        if self.target == "category":
            return output.clamp(min=torch.finfo(output.dtype).tiny).log()
        return output.logit(_EPSILON) if self.target == "labels" else output


def use_onnx(model: TransferTask, path: Path) -> None:
    """Replaces the network of a model by an exported one."""
    model.network = OnnxNetwork(path, model.target)  # type: ignore[assignment]
