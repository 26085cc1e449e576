"""Network of a language model, which predicts the next token."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from triptych.models.awd_lstm import AWDLSTM, Dropouts, State
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.layer_groups import LayerGroups
from triptych.models.rnn_dropout import VariationalDropout

LANGUAGE_DROPOUTS = Dropouts(output=0.1, hidden=0.15, input=0.25, embedding=0.02, weight=0.2)
"""The course's for a language model: fastai 2.8, `awd_lstm_lm_config`."""


class LanguageOutput(NamedTuple):
    """What a language network gives."""

    logits: Tensor
    """Logits of the token after each, (N, T, V)."""
    state: State
    """State after the last token, detached."""
    raw: Tensor
    """Activations of the encoder, (N, T, E); see `triptych.losses.temporal_activation_regularization`."""
    dropped: Tensor
    """The same after dropout; see `triptych.losses.activation_regularization`."""


class LanguageNetwork(GroupedNetwork):
    """Predicts a logit for each token of the vocabulary to be the next, by a decoder tied to the embedding.

    Args:
        vocab_size: Number of tokens.
        embedding_size: Size of a token's vector.
        hidden_size: Size of the state of all layers but the last, which is that of the embedding.
        num_layers: Number of layers.
        dropout: Factor of the course's five dropouts, in [0, 4].

    Shape: tokens int64 (N, T); see `LanguageOutput`.
    """

    encoder: AWDLSTM

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int = 400,
        hidden_size: int = 1152,
        num_layers: int = 3,
        dropout: float = 1.0,
    ) -> None:
        super().__init__()
        dropouts = LANGUAGE_DROPOUTS.times(dropout)
        self.encoder = AWDLSTM(vocab_size, embedding_size, hidden_size, num_layers, dropouts)
        self.output_dropout = VariationalDropout(dropouts.output)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, tokens: Tensor, state: State | None = None) -> LanguageOutput:
        """Reads the tokens after those that led to `state`.

        Args:
            tokens: int64 (N, T).
            state: The state of the output for the tokens before; None, or that of another N, starts anew.
        """
        raw, state = self.encoder(tokens, state)
        dropped = self.output_dropout(raw)
        return LanguageOutput(F.linear(dropped, self.encoder.embedding.weight, self.bias), state, raw, dropped)

    def layer_groups(self) -> LayerGroups:
        """Each layer, `rnn_0`, `rnn_1` and so on, then `embedding_decoder`, as fastai's `awd_lstm_lm_split`."""
        groups = self.encoder.layer_groups()
        embedding = groups.pop("embedding")
        return {**groups, "embedding_decoder": [*embedding, self.bias]}
