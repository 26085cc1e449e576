"""The AWD-LSTM: an LSTM over words that drops weights, words and activations in training."""

from itertools import pairwise
from typing import NamedTuple, TypeAlias

from torch import Tensor, nn

from triptych.models.layer_groups import LayerGroups
from triptych.models.onnx_lstm import LayerState
from triptych.models.rnn_dropout import DroppedEmbedding, VariationalDropout, WeightDropLSTM

State: TypeAlias = list[LayerState]
"""(h, c) of each layer, each (1, N, C)."""


class Dropouts(NamedTuple):
    """Probabilities that something is dropped, each in [0, 1]."""

    output: float
    """Of an activation before the layer after the encoder; the encoder itself does not use it."""
    hidden: float
    """Of an activation between two layers."""
    input: float
    """Of an activation before the first layer."""
    embedding: float
    """Of a word."""
    weight: float
    """Of a hidden-to-hidden weight."""

    def times(self, factor: float) -> "Dropouts":
        """All probabilities multiplied by `factor`.

        Raises:
            ValueError: One of them is then out of [0, 1].
        """
        if not 0 <= factor * max(self) <= 1:
            raise ValueError(
                f"dropout: expected a number from 0 to {1 / max(self):g}, by which the largest probability, "
                f"{max(self):g}, is at most 1; got {factor:g}."
            )
        return Dropouts(*(factor * p for p in self))


class AWDLSTM(nn.Module):
    """Reads tokens, and gives a vector for each that depends on it and all before.

    The hidden size of the last layer is that of the embedding, so that a decoder can be tied to it.

    Args:
        vocab_size: Number of tokens.
        embedding_size: Size of a token's vector, and of the output.
        hidden_size: Size of the state of all layers but the last.
        num_layers: Number of layers, at least 1.
        dropouts: What is dropped in training.

    Raises:
        ValueError: There is no layer.

    Shape: tokens int64 (N, T); result float (N, T, embedding_size), and the state after the last token.
    Source: Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", 2017; fastai 2.8, `AWD_LSTM`.
    """

    def __init__(
        self, vocab_size: int, embedding_size: int, hidden_size: int, num_layers: int, dropouts: Dropouts
    ) -> None:
        super().__init__()
        check_positive(num_layers=num_layers)
        sizes = [embedding_size, *[hidden_size] * (num_layers - 1), embedding_size]
        self.embedding = DroppedEmbedding(vocab_size, embedding_size, dropouts.embedding)
        self.input_dropout = VariationalDropout(dropouts.input)
        self.rnns = nn.ModuleList(WeightDropLSTM(before, after, dropouts.weight) for before, after in pairwise(sizes))
        self.hidden_dropout = VariationalDropout(dropouts.hidden)

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Reads the tokens after those that led to `state`.

        Args:
            tokens: int64 (N, T).
            state: What this method returned for the tokens before; None, or that of another N, starts anew.

        Returns:
            Activations of the last layer (N, T, embedding_size), and the state, detached.
        """
        goes_on = state is not None and state[0][0].shape[1] == tokens.shape[0]
        x, after = self.input_dropout(self.embedding(tokens)), []
        for index, rnn in enumerate(self.rnns):
            x, (h, c) = rnn(self.hidden_dropout(x) if index else x, state[index] if state and goes_on else None)
            after.append((h.detach(), c.detach()))
        return x, after

    def layer_groups(self) -> LayerGroups:
        """`embedding`, then each layer: `rnn_0`, `rnn_1` and so on."""
        rnns = {f"rnn_{index}": list(rnn.parameters()) for index, rnn in enumerate(self.rnns)}
        return {"embedding": list(self.embedding.parameters()), **rnns}


def check_positive(**numbers: int) -> None:
    """Checks arguments, by their names.

    Raises:
        ValueError: One of them is less than 1.
    """
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name}: expected at least 1, got {number}.")
