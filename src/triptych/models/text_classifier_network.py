"""Network that predicts the category of a text."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from triptych.models.awd_lstm import AWDLSTM, Dropouts, check_positive
from triptych.models.batch_norm import accept_one_value
from triptych.models.grouped_network import GroupedNetwork
from triptych.models.layer_groups import LayerGroups
from triptych.models.pooling import ConcatPooling

CLASSIFIER_DROPOUTS = Dropouts(output=0.4, hidden=0.3, input=0.4, embedding=0.05, weight=0.5)
"""The course's for a classifier: fastai 2.8, `awd_lstm_clas_config`."""
PAD_ID = 1
"""Id of the token that fills a batch; `triptych.text.rules.PAD_ID`."""


class TextClassifierNetwork(GroupedNetwork):
    """Predicts a logit for each category of a text.

    A text ends before its first padding, and what stands there changes neither its logits nor a gradient. It is read in
    chunks; gradients do not go from one to the chunk before (truncated back-propagation), and none is computed for
    tokens that are not pooled, so a text of any length needs the memory of `max_len` tokens.

    Args:
        num_categories: Number of categories.
        vocab_size: Number of tokens.
        embedding_size: Size of a token's vector.
        hidden_size: Size of the state of all layers but the last, which is that of the embedding.
        num_layers: Number of layers.
        dropout: Factor of the course's five dropouts, in [0, 2].
        seq_len: Number of tokens of a chunk.
        max_len: Number of a text's last tokens whose activations are pooled.

    Shape: tokens int64 (N, T), padded on the right with `PAD_ID`; result float (N, num_categories).
    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018; fastai 2.8,
        `SentenceEncoder` and `PoolingLinearClassifier`. There `max_len` counts from the end of the longest text of a
        batch, and in whole chunks.
    """

    encoder: AWDLSTM

    def __init__(
        self,
        num_categories: int,
        vocab_size: int,
        embedding_size: int = 400,
        hidden_size: int = 1152,
        num_layers: int = 3,
        dropout: float = 1.0,
        seq_len: int = 72,
        max_len: int = 1440,
    ) -> None:
        super().__init__()
        check_positive(seq_len=seq_len, max_len=max_len)
        dropouts = CLASSIFIER_DROPOUTS.times(dropout)
        self.encoder = AWDLSTM(vocab_size, embedding_size, hidden_size, num_layers, dropouts)
        self.head = nn.Sequential(
            nn.BatchNorm1d(3 * embedding_size),
            nn.Dropout(dropouts.output),
            nn.Linear(3 * embedding_size, 50),
            nn.ReLU(inplace=True),
            nn.BatchNorm1d(50),
            nn.Dropout(0.1),
            nn.Linear(50, num_categories),
        )
        self.seq_len, self.max_len = seq_len, max_len
        accept_one_value(self)

    def forward(self, tokens: Tensor) -> Tensor:
        sizes = text_sizes(tokens)
        pooling = ConcatPooling(sizes, self.max_len)
        for start, activations in self._read(tokens, sizes):
            pooling.add(activations, start)
        logits: Tensor = self.head(pooling.result())
        return logits

    def _read(self, tokens: Tensor, sizes: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Start and activations of each chunk of which something is pooled."""
        if torch.compiler.is_exporting():  # a graph has no loop over an unknown number of chunks
            yield 0, self.encoder(tokens)[0]
            return
        state = None
        for start, is_pooled in self._chunks(tokens.shape[1], sizes):
            with torch.set_grad_enabled(is_pooled and torch.is_grad_enabled()):
                activations, state = self.encoder(tokens[:, start : start + self.seq_len], state)
            if is_pooled:
                yield start, activations

    def _chunks(self, length: int, sizes: Tensor) -> list[tuple[int, bool]]:
        """Start of each chunk, and whether a token of it is among the last `max_len` of its text."""
        starts = range(0, length, self.seq_len)
        if length <= self.max_len:
            return [(start, True) for start in starts]
        ends = sizes.tolist()  # a GPU is waited for, but only where a text is long
        return [
            (start, any(end - self.max_len < start + self.seq_len and start < end for end in ends)) for start in starts
        ]

    def layer_groups(self) -> LayerGroups:
        """`embedding`, each layer (`rnn_0`, `rnn_1` and so on), then `head`, as fastai's `awd_lstm_clas_split`."""
        return {**self.encoder.layer_groups(), "head": list(self.head.parameters())}


def text_sizes(tokens: Tensor) -> Tensor:
    """Number of tokens before the first padding of each text, but at least 1.

    Shape: tokens int64 (N, T); result int64 (N,).

    >>> text_sizes(torch.tensor([[2, 5, 1, 1], [2, 5, 6, 7], [1, 1, 1, 1]])).tolist()
    [2, 4, 1]
    """
    return (tokens == PAD_ID).cumsum(dim=1).eq(0).sum(dim=1).clamp(min=1)
