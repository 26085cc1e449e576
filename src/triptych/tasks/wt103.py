"""The course's language model, pretrained on WikiText-103: fetched once, and read without running its pickle."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from triptych.datasets.download import Archive, fetch
from triptych.errors import BadSampleError, MissingDataError

NAME = "wt103"
"""The value of `encoder_weights` that stands for it."""
ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-modelzoo/wt103-fwd.tgz",
    size=105_067_061,
    md5_head="7d1114cd9684bf9d1ca3c9f6a54da6f9",
)
"""fastai 2.8, `URLs.WT103_FWD`: embedding_size 400, hidden_size 1152, num_layers 3; size and checksum from fastai 1."""
_WEIGHTS, _VOCAB = "lstm_fwd.pth", "itos_wt103.pkl"
_EMBEDDING = "0.encoder.weight"
_OF_LAYER = re.compile(r"0\.rnns\.(\d+)\.(?:(weight_hh_l0)_raw|module\.(weight_ih_l0|bias_ih_l0|bias_hh_l0))")
"""The other names of a layer's tensors are those of copies."""


class LanguageWeights(NamedTuple):
    """What an encoder of texts starts from."""

    path: Path
    """The file, for messages."""
    state_dict: Mapping[str, Tensor]
    """The weights of a language model, under our names."""
    vocab: list[str]
    """Its tokens, in the order of their ids."""


def wt103() -> LanguageWeights:
    """The course's language model, from torch's cache, or else downloaded into it.

    Raises:
        ConnectionError: It could not be downloaded.
        BadSampleError: A file of it is missing, or not what it should be.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints" / "wt103-fwd"
    try:
        fetch(ARCHIVE, folder)
    except (ConnectionError, MissingDataError) as error:
        raise ConnectionError(
            f"encoder_weights: {NAME!r} could not be fetched from {ARCHIVE.url}; check the network, or unpack that "
            f"archive by hand into {folder}, give the path of a language model's run, or leave it null for random "
            "weights."
        ) from error
    path = folder / _WEIGHTS
    return LanguageWeights(path, _renamed(_read_weights(path)), _read_vocab(folder / _VOCAB))


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # which error torch raises depends on the bytes
        raise _bad_file(path, "the weights of fastai's AWD-LSTM") from error
    if not isinstance(weights, dict) or not isinstance(weights.get(_EMBEDDING), Tensor):
        raise _bad_file(path, "the weights of fastai's AWD-LSTM")
    return weights


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of fastai, which may be of half precision, as float32 under our names."""
    found = {name: _OF_LAYER.fullmatch(name) for name in weights}
    layers = {f"encoder.rnns.{one[1]}.{one[2] or one[3]}": weights[name].float() for name, one in found.items() if one}
    return {"encoder.embedding.weight": weights[_EMBEDDING].float(), **layers}


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, strings and lists of them; a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _read_vocab(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            tokens: Any = _PlainUnpickler(file).load()
    except Exception as error:  # which error pickle raises depends on the bytes
        raise _bad_file(path, "a pickled list of tokens") from error
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise _bad_file(path, "a pickled list of tokens")
    return tokens


def _bad_file(path: Path, expected: str) -> BadSampleError:
    got = "other content" if path.is_file() else "no such file"
    return BadSampleError(f"{path}: expected {expected}, got {got}; delete the folder {path.parent} and start again.")
