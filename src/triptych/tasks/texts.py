"""Base class of the tasks on texts."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from triptych.exported import ExportedFolder, Manifest
from triptych.models.encoder_weights import take_encoder
from triptych.models.language_network import LanguageNetwork
from triptych.models.text_classifier_network import TextClassifierNetwork
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.folder import folder_logger, own_folder
from triptych.runs.layout import RunLayout, checkpoint_of
from triptych.tasks.base import MaxLR, TransferTask
from triptych.tasks.wt103 import NAME as WT103
from triptych.tasks.wt103 import LanguageWeights, wt103
from triptych.text import Tokenizer, Vocab


class TextTask(TransferTask):
    """Predicts something about a text, with an AWD-LSTM as encoder.

    The vocabulary is taken from the data module. Checkpoints hold it as the plain list `vocab`, and a run folder as
    `vocab.json`.

    Args:
        vocab_size: Number of tokens; None takes it from the data module.
        embedding_size: Numbers by which a token is embedded.
        hidden_size: Units of each recurrent layer but the last, which has `embedding_size`.
        num_layers: Number of recurrent layers.
        dropout: Factor of the course's five dropouts; 0 switches them off.
        encoder_weights: Run folder or checkpoint of a model of texts, whose encoder is taken; or `"wt103"`, the
            course's language model, pretrained on WikiText-103 and downloaded once (105 MB, into torch's cache): its
            sizes are the defaults here. Tokens that it knows keep their embedding, new ones start with the mean of all.
            None starts from random weights.
        max_lr: See `TransferTask`.
        transfer: Further arguments of `TransferTask`.

    Raises:
        ValueError: `encoder_weights` are of another size, or of no model of texts.
        ConnectionError: `encoder_weights` are to be downloaded, and there is no network.
    """

    input = "tokens"
    vocab: Vocab | None = None
    """The vocabulary; None until it is known."""

    def __init__(
        self,
        vocab_size: int | None = None,
        embedding_size: int = 400,
        hidden_size: int = 1152,
        num_layers: int = 3,
        dropout: float = 1.0,
        encoder_weights: str | None = None,
        max_lr: MaxLR = 1e-2,
        **transfer: Any,
    ) -> None:
        super().__init__(encoder_weights, max_lr, **transfer)

    @property
    def sizes(self) -> dict[str, Any]:
        """Arguments of the encoder."""
        return {
            name: self.hparams[name]
            for name in ("vocab_size", "embedding_size", "hidden_size", "num_layers", "dropout")
        }

    @property
    def encoder_name(self) -> str:
        h = self.hparams
        return f"an AWD-LSTM of {h['num_layers']} layers with {h['hidden_size']} units"

    def _can_build(self) -> bool:
        return self.hparams["vocab_size"] is not None and super()._can_build()

    def _missing_hparam(self) -> str:
        return "vocab: expected a data module to take the vocabulary from, or a checkpoint; got neither."

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        if "vocab" in metadata:
            self._take_vocab(metadata["vocab"], "the data have")
        super().resolve(metadata)

    def _take_vocab(self, vocab: Vocab, other: str) -> None:
        size = self.hparams["vocab_size"]  # known before the vocabulary where a checkpoint is about to be loaded
        if self.vocab is None and size not in (None, len(vocab)):
            raise ValueError(_other_vocab(size, other, len(vocab), "one is longer"))
        if self.vocab is not None and vocab != self.vocab:
            pairs = enumerate(zip(self.vocab.itos, vocab.itos, strict=False))
            first = next((f"token {i} is {a!r}, there {b!r}" for i, (a, b) in pairs if a != b), "one is longer")
            raise ValueError(_other_vocab(len(self.vocab), other, len(vocab), first))
        self.vocab = vocab

    def start_encoder(self, network: LanguageNetwork | TextClassifierNetwork) -> None:
        """Takes the encoder's weights that the hyper-parameter names, if there is one.

        Raises:
            ValueError: They are of another size, or of no model of texts; or the model's vocabulary is unknown.
            ConnectionError: They are to be downloaded, and there is no network.
        """
        source = self.hparams["encoder_weights"]
        if source is None:
            return
        if self.vocab is None:
            raise ValueError("encoder_weights: expected a data module to take the vocabulary from, got none.")
        given = wt103() if source == WT103 else _of_checkpoint(checkpoint_of(Path(source)))
        try:
            take_encoder(network.encoder, given.state_dict, given.vocab, self.vocab.itos)
        except ValueError as error:
            raise ValueError(f"{given.path}: {error}") from error

    @property
    def form(self) -> dict[str, Any]:
        return {} if self.vocab is None else {"vocab": [*self.vocab.itos]}

    def take_form(self, checkpoint: Mapping[str, Any]) -> None:
        if "vocab" in checkpoint:
            self._take_vocab(Vocab(tuple(checkpoint["vocab"])), "the checkpoint has")

    def take_manifest(self, manifest: Manifest, exported: ExportedFolder) -> None:
        self._take_vocab(Vocab.read(exported.vocab), "the export has")

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.vocab is not None and self.trainer.is_global_zero and folder_logger(self.trainer) is not None:
            folder = own_folder(self.trainer)
            folder.mkdir(parents=True, exist_ok=True)
            self.vocab.save(RunLayout(folder).vocab)

    def check(self, batch: Any) -> Any:
        """Ids of tokens, int64 (N, T), and the target, int64, as a mapping or a pair; see `TransferTask.check`.

        Raises:
            ValueError: They have another form, or an id is beyond the vocabulary.
        """
        if isinstance(batch, Tensor):
            batch = {"tokens": batch}
        elif isinstance(batch, (list, tuple)) and len(batch) == 2:
            batch = {"tokens": batch[0], self.target: batch[1]}
        if not isinstance(batch, Mapping) or "tokens" not in batch:
            got = f"the keys {', '.join(map(str, batch))}" if isinstance(batch, Mapping) else type(batch).__name__
            raise ValueError(
                f"batch: expected tokens and {self.target} as a mapping, or a pair (tokens, {self.target}), got {got}."
            )
        check_ids("tokens", batch["tokens"], 2, self.hparams["vocab_size"])
        return batch

    @functools.cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.english()

    def numericalized(self, text: str) -> Tensor:
        """The ids of a text's tokens, int64 (T,).

        Raises:
            RuntimeError: The vocabulary is unknown.
            ImportError: spaCy is not installed.
        """
        if self.vocab is None:
            raise RuntimeError(f"{type(self).__name__}: {self._missing_hparam()}")
        return torch.tensor(self.vocab.numericalize(self._tokenizer(text)))


def _of_checkpoint(path: Path) -> LanguageWeights:
    checkpoint = read_checkpoint(path)
    if "vocab" not in checkpoint:
        raise ValueError(f"encoder_weights: expected a checkpoint of a model of texts, got {path}.")
    return LanguageWeights(path, checkpoint["state_dict"], checkpoint["vocab"])


def check_ids(name: str, ids: Any, ndim: int, limit: int | None) -> None:
    """Checks a tensor of ids.

    Args:
        name: Its key in the batch.
        ids: The tensor.
        ndim: Its number of dimensions.
        limit: Number of ids that there are; None leaves them unchecked.

    Raises:
        ValueError: It has another type or form, or an id is negative or beyond the limit.
    """
    if not isinstance(ids, Tensor) or ids.dtype != torch.int64 or ids.ndim != ndim:
        is_tensor = isinstance(ids, Tensor)
        got = f"{str(ids.dtype).removeprefix('torch.')} {tuple(ids.shape)}" if is_tensor else type(ids).__name__
        raise ValueError(f"{name}: expected ids, int64 with {ndim} dimensions, got {got}.")
    if limit is not None and ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < limit:
        wrong = int(ids.min()) if int(ids.min()) < 0 else int(ids.max())
        raise ValueError(f"{name}: expected ids from 0 to {limit - 1}, got {wrong}.")


def _other_vocab(own: int, other: str, size: int, difference: str) -> str:
    return (
        f"vocab: the model has {own} tokens, {other} {size} ({difference}); give the data the model's, "
        "`--data.vocab RUN`."
    )
