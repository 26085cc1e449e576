"""Dropout of the AWD-LSTM: of weights, of whole words, and of activations over all time steps alike."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from triptych.models.onnx_lstm import LayerState, onnx_lstm


class WeightDropLSTM(nn.Module):
    """One LSTM layer, whose hidden-to-hidden weights are dropped in training.

    The weights of a pass are drawn once and serve all its time steps. They are an argument of torch's own LSTM, so the
    parameters stay the raw weights; their names and initial values are those of `nn.LSTM`.

    Args:
        input_size: Size of the input.
        hidden_size: Size of state and output.
        p: Probability that a weight is dropped, in [0, 1].

    Shape: input (N, T, input_size); state (h, c), each (1, N, hidden_size), or None for zeros; result the output
        (N, T, hidden_size) and the state after it.
    Source: Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", 2017.
    """

    def __init__(self, input_size: int, hidden_size: int, p: float) -> None:
        super().__init__()
        self.hidden_size, self.p = hidden_size, p
        self.weight_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def forward(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        if state is None:
            zeros = x.new_zeros(1, x.shape[0], self.hidden_size)
            state = zeros, zeros
        kept = F.dropout(self.weight_hh_l0, self.p, self.training)
        weights = [self.weight_ih_l0, kept, self.bias_ih_l0, self.bias_hh_l0]
        if torch.onnx.is_in_onnx_export():
            return onnx_lstm(x, state, weights)
        output, h, c = torch.lstm(x, state, weights, True, 1, 0.0, self.training, False, True)
        return output, (h, c)


class VariationalDropout(nn.Module):
    """Dropout with one mask for all time steps of a pass.

    Args:
        p: Probability that an activation is dropped, in [0, 1].

    Shape: (N, T, C) in and out.
    Source: Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        return x * F.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.p)


class DroppedEmbedding(nn.Embedding):
    """An embedding that drops whole words in training: a dropped word is zero wherever it stands in the batch.

    Args:
        num_embeddings: Number of words.
        embedding_dim: Size of a word's vector.
        p: Probability that a word is dropped, in [0, 1].

    Shape: tokens int64 (N, T); result (N, T, embedding_dim).
    Source: Gal and Ghahramani, 2016; initial weights of fastai 2.8, uniform in [-0.1, 0.1].
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, p: float) -> None:
        super().__init__(num_embeddings, embedding_dim)
        self.p = p

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.weight, -0.1, 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        vectors = super().forward(tokens)
        if not self.training or self.p == 0:
            return vectors
        return vectors * F.embedding(tokens, F.dropout(self.weight.new_ones(len(self.weight), 1), self.p))
