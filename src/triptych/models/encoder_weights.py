"""Weights of a language model's encoder for an encoder of another vocabulary."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from triptych.models.awd_lstm import AWDLSTM
from triptych.models.weights import differences

_EMBEDDING = "embedding.weight"
_FIRST = "rnns.0.weight_hh_l0"


def take_encoder(
    encoder: AWDLSTM, state_dict: Mapping[str, Tensor], old_vocab: Sequence[str], new_vocab: Sequence[str]
) -> None:
    """Loads the encoder of a language model into an encoder with another vocabulary.

    Vectors go by token. A token that the old vocabulary lacks gets the mean vector.

    Args:
        encoder: The encoder that gets the weights.
        state_dict: Weights of the language model's network or of its task, as a checkpoint holds them.
        old_vocab: Tokens of the language model, in the order of their ids.
        new_vocab: Tokens of `encoder`, in the order of their ids.

    Raises:
        ValueError: The weights are not those of such an encoder, or of other sizes, or a vocabulary does not fit.

    Source: fastai 2.8, `match_embeds`.
    """
    given, own = _encoder_of(state_dict), encoder.state_dict()
    if _EMBEDDING not in given or _FIRST not in given:
        raise ValueError("encoder_weights: expected those of a language model, got none of an AWD-LSTM.")
    if _sizes(own) != _sizes(given):
        raise ValueError(f"encoder_weights: expected {_sizes(own)}, got {_sizes(given)}; give the model these sizes.")
    for name, weights, vocab in (("its encoder_weights", given, old_vocab), ("the model", own, new_vocab)):
        if len(weights[_EMBEDDING]) != len(vocab):
            raise ValueError(f"vocab: expected the {len(weights[_EMBEDDING])} tokens of {name}, got {len(vocab)}.")
    taken = {**given, _EMBEDDING: _match(given[_EMBEDDING], old_vocab, new_vocab)}
    if wrong := differences(own, taken):
        raise ValueError(f"encoder_weights: expected the tensors of an AWD-LSTM, got others; {wrong}.")
    encoder.load_state_dict(taken)


def _encoder_of(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    keys = {name: name.removeprefix("network.") for name in state_dict}
    return {key.removeprefix("encoder."): state_dict[name] for name, key in keys.items() if key.startswith("encoder.")}


def _match(vectors: Tensor, old_vocab: Sequence[str], new_vocab: Sequence[str]) -> Tensor:
    """The vectors of the new vocabulary's tokens. Shape: (V_old, E); result (V_new, E)."""
    ids = {token: index for index, token in enumerate(old_vocab)}
    with_mean = torch.cat([vectors, vectors.mean(dim=0, keepdim=True)])
    return with_mean[[ids.get(token, len(vectors)) for token in new_vocab]]


def _sizes(weights: Mapping[str, Tensor]) -> str:
    layers = sum(name.endswith("weight_hh_l0") for name in weights)
    return f"embedding_size {weights[_EMBEDDING].shape[1]}, hidden_size {weights[_FIRST].shape[1]}, num_layers {layers}"
