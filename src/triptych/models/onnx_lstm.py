"""An LSTM layer as ONNX's own operator, for texts of any length.

torch's translation of its LSTM takes the length of the example for a constant.
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

LayerState: TypeAlias = tuple[Tensor, Tensor]
"""(h, c) of a layer, each (1, N, H)."""


def onnx_lstm(x: Tensor, state: LayerState, weights: Sequence[Tensor]) -> tuple[Tensor, LayerState]:
    """A layer while `torch.onnx.export(dynamo=True)` traces it; its values are not computed.

    Args:
        x: Input, (N, T, C).
        state: State before the first time step.
        weights: Weights of input (4 * H, C) and state (4 * H, H), and the bias of each (4 * H,), as torch orders them.

    Returns:
        Output (N, T, H), and the state after the last time step.
    """
    of_input, of_state, *biases = (_onnx_order(weight) for weight in weights)
    number, length, _ = x.shape
    hidden = of_state.shape[1]
    output, h, c = torch.onnx.ops.symbolic_multi_out(
        "LSTM",
        [x.transpose(0, 1), of_input[None], of_state[None], torch.cat(biases)[None], None, *state],
        {"hidden_size": hidden},
        dtypes=[x.dtype] * 3,
        shapes=[(length, 1, number, hidden), (1, number, hidden), (1, number, hidden)],
    )
    return output.squeeze(1).transpose(0, 1), (h, c)


def _onnx_order(weight: Tensor) -> Tensor:
    """The four gates in ONNX's order. Shape: (4 * H, ...), as given."""
    into_forget_cell_out = weight.reshape(4, -1, *weight.shape[1:])
    return into_forget_cell_out[[0, 3, 1, 2]].flatten(0, 1)
