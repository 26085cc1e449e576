"""Language models: the next token of a text."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from triptych.losses import TOKEN_LOSSES, LossChoice, LossTerms
from triptych.losses.recurrent import activation_regularization, temporal_activation_regularization
from triptych.metrics import TokenScores
from triptych.models.awd_lstm import State
from triptych.models.language_network import LanguageNetwork
from triptych.tasks.base import MaxLR
from triptych.tasks.texts import TextTask
from triptych.text import PAD_ID, UNK_ID
from triptych.text.words import readable
from triptych.trainer.evaluation_mode import evaluation_mode

_STATE = "language_model_state"
"""Key in a checkpoint."""


class LanguageModel(TextTask):
    """Predicts the next token of a text; its encoder is what a `TextClassifier` starts from.

    The batches of an epoch continue each other, so the state of the recurrent layers goes on from batch to batch,
    without gradients (truncated back-propagation). Checkpoints hold it.

    Args:
        alpha: Weight of the activations' square, AR.
        beta: Weight of the square of their change from token to token, TAR.
        max_lr: Peak learning rate of one-cycle, of each layer group; see `TransferTask`.
        loss: `cross_entropy` (argument `label_smoothing`); see `triptych.losses` and `TransferTask`.
        text: Further arguments of `TextTask`.

    Shape: tokens int64 (N, T); logits float (N, T, vocab_size).

    Source: Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", 2017.
    """

    required_hparam = "vocab_size"
    target_hparams = ("vocab_size",)
    structure = ("embedding_size", "hidden_size", "num_layers")
    target = "next"
    losses = TOKEN_LOSSES
    head_weight = "network.bias"

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 1.0,
        *,
        max_lr: MaxLR = 1e-2,
        loss: LossChoice = "cross_entropy",
        **text: Any,
    ) -> None:
        super().__init__(max_lr=max_lr, loss=loss, **text)
        self._train_state: State | None = None
        self._eval_state: State | None = None

    def build_network(self) -> LanguageNetwork:
        network = LanguageNetwork(**self.sizes)
        self.start_encoder(network)
        return network

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the token after each of (N, T), which begin a text."""
        logits: Tensor = self.built()(tokens).logits
        return logits

    def check(self, batch: Any) -> Any:
        batch = super().check(batch)
        if "next" in batch and batch["next"].shape != batch["tokens"].shape:
            raise ValueError(
                f"next: expected the shape of tokens, {tuple(batch['tokens'].shape)}, got {tuple(batch['next'].shape)}."
            )
        return batch

    def build_scores(self) -> TokenScores:
        return TokenScores()

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The chosen loss. Shape: preds (logits) (N, T, vocab_size), target int64 (N, T), -100 where it is unknown."""
        return self.chosen_loss(preds.flatten(0, 1), target.flatten())

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        if batch_idx == 0:
            self._train_state = None
        out = self.built()(batch["tokens"], self._train_state)
        self._train_state = out.state
        loss = self.mean_loss(out.logits, batch["next"]).float()
        self.log("train/loss", loss, prog_bar=True)
        ar = activation_regularization(out.dropped, self.hparams["alpha"])
        return loss + ar + temporal_activation_regularization(out.raw, self.hparams["beta"])

    def on_validation_epoch_start(self) -> None:
        self._eval_state = None

    def on_test_epoch_start(self) -> None:
        self._eval_state = None

    def evaluated(self, batch: Any) -> Tensor:
        out = self.built()(batch["tokens"], self._eval_state)
        self._eval_state = out.state
        logits: Tensor = out.logits
        return logits

    def update_scores(self, preds: Tensor, batch: Any) -> None:
        self.scores.update(preds, batch["next"])

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        known = target >= 0
        right = int((preds.argmax(dim=-1) == target)[known].sum())
        return f"{right} of {int(known.sum())} next tokens right"

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Raises a ValueError: a language model continues a text, see `predict_words`."""
        raise ValueError(
            "LanguageModel: expected a TextClassifier to predict texts with; a language model continues one, "
            "model.predict_words(text)."
        )

    def predict_words(self, text: str, num_words: int = 40, temperature: float = 0.75, seed: int = 0) -> str:
        """Continues a text with words that are drawn by their probability.

        Args:
            text: The beginning.
            num_words: Number of tokens to draw, at least 1.
            temperature: Divisor of the logits: towards 0 the most probable word is drawn, above 1 any word.
            seed: Seed of the draws.

        Returns:
            The text with its continuation. Unknown words and padding are never drawn.

        Raises:
            RuntimeError: The network or its vocabulary is not known yet.
            ValueError: `num_words` is less than 1, or `temperature` is not above 0.
            ImportError: spaCy is not installed.
        """
        if num_words < 1:
            raise ValueError(f"num_words: expected at least 1, got {num_words}.")
        if temperature <= 0:
            raise ValueError(f"temperature: expected a number above 0, got {temperature}.")
        ids = self.numericalized(text)
        drawn = self._drawn(ids.to(self.device), num_words, temperature, torch.Generator().manual_seed(seed))
        assert self.vocab is not None
        return readable(self.vocab.tokens([*ids.tolist(), *drawn]))

    def _drawn(self, ids: Tensor, count: int, temperature: float, generator: torch.Generator) -> Sequence[int]:
        """Ids of the tokens after those of a text (T,)."""
        drawn: list[int] = []
        state: State | None = None
        with evaluation_mode(self):
            while len(drawn) < count:
                out = self.built()(ids[None], state)
                state, logits = out.state, out.logits[0, -1].float().cpu() / temperature
                logits[[UNK_ID, PAD_ID]] = -torch.inf
                drawn.append(int(torch.multinomial(logits.softmax(dim=0), 1, generator=generator)))
                ids = torch.tensor(drawn[-1:], device=ids.device)
        return drawn

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        if self._train_state is not None:
            checkpoint[_STATE] = [[one.cpu() for one in layer] for layer in self._train_state]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        if _STATE in checkpoint:
            self._train_state = [(h.to(self.device), c.to(self.device)) for h, c in checkpoint[_STATE]]
