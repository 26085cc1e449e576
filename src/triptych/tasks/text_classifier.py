"""Classification of texts: the category of a review."""

from typing import Any

from rich.console import RenderableType
from torch import Tensor

from triptych.losses import CATEGORY_LOSSES, LossChoice, LossTerms
from triptych.metrics import CategoryScores
from triptych.metrics.image_counts import CategoryCounts
from triptych.models.text_classifier_network import TextClassifierNetwork
from triptych.tasks.base import MaxLR
from triptych.tasks.mistakes import wrong_category
from triptych.tasks.scoring import supported_scores
from triptych.tasks.tables import category_table
from triptych.tasks.texts import TextTask, check_ids
from triptych.trainer.evaluation_mode import evaluation_mode


class TextClassifier(TextTask):
    """Predicts the category of a text.

    The text is read in chunks, over whose bounds no gradient flows, and pooled: the last, the largest and the mean
    activations of its last `max_len` tokens.

    Args:
        num_categories: Number of categories; None takes it from the data module.
        categories: Name of each category; None takes them from the data module.
        seq_len: Tokens of a chunk, at least 1.
        max_len: Tokens at the end of a text whose activations are pooled, at least 1.
        max_lr: Peak learning rate of one-cycle, of each layer group; see `TransferTask`.
        loss: `cross_entropy` (argument `label_smoothing`) or `focal` (`gamma`), or a sum; see `triptych.losses` and
            `TransferTask`.
        text: Further arguments of `TextTask`.

    Shape: tokens int64 (N, T), padded on the right with 1; logits float (N, num_categories).

    Source: Howard, Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018.
    """

    required_hparam = "num_categories"
    target_hparams = ("num_categories", "categories")
    structure = ("vocab_size", "embedding_size", "hidden_size", "num_layers")
    target = "category"
    losses = CATEGORY_LOSSES
    head_weight = "network.head.6.weight"

    def __init__(
        self,
        num_categories: int | None = None,
        categories: list[str] | None = None,
        seq_len: int = 72,
        max_len: int = 1440,
        *,
        max_lr: MaxLR = 2e-2,
        loss: LossChoice = "cross_entropy",
        **text: Any,
    ) -> None:
        super().__init__(max_lr=max_lr, loss=loss, **text)

    def build_network(self) -> TextClassifierNetwork:
        h = self.hparams
        network = TextClassifierNetwork(h["num_categories"], **self.sizes, seq_len=h["seq_len"], max_len=h["max_len"])
        self.start_encoder(network)
        return network

    @property
    def categories(self) -> list[str]:
        """Name of each category; numbered if the names are unknown."""
        names: list[str] | None = self.hparams["categories"]
        return names or [f"category {i}" for i in range(self.hparams["num_categories"])]

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of tokens (N, T)."""
        logits: Tensor = self.built()(tokens)
        return logits

    def check(self, batch: Any) -> Any:
        batch = super().check(batch)
        if "category" in batch:
            check_ids("category", batch["category"], 1, self.hparams["num_categories"])
        return batch

    def build_scores(self) -> CategoryScores:
        return CategoryScores(self.hparams["num_categories"])

    def build_image_counts(self) -> CategoryCounts:
        return CategoryCounts(self.hparams["num_categories"])

    def update_scores(self, preds: Tensor, batch: Any) -> None:
        self.scores.update(preds, batch["category"])
        self.keep_images(preds, batch)

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The chosen loss. Shape: preds (logits) (N, num_categories), target int64 (N,)."""
        return self.chosen_loss(preds, target)

    def report(self, split: str) -> list[RenderableType]:
        return [category_table(self.last_scores, self.categories, f"{split}, category by category")]

    def class_scores(self) -> dict[str, dict[str, float]]:
        scores = self.last_scores
        return {"f1": supported_scores(self.categories, scores["category_f1"], scores["support"])}

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        return wrong_category(preds, target, self.categories)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Probability of each category, float32 (N, num_categories)."""
        return self.predicted(batch["tokens"]).float().softmax(dim=1)

    def readable(self, probabilities: Tensor) -> dict[str, float]:
        """The probability (num_categories,) of each category by its name, the highest first."""
        return {self.categories[i]: float(probabilities[i]) for i in probabilities.argsort(descending=True).tolist()}

    def predict(self, texts: str | list[str]) -> Any:
        """The probability of each category, the highest first, for a text; a list of these for a list.

        Raises:
            RuntimeError: The network or its vocabulary is not known yet.
            ImportError: spaCy is not installed.
        """
        if not isinstance(texts, str):
            return [self.predict(text) for text in texts]
        tokens = self.numericalized(texts)[None].to(self.device)
        with evaluation_mode(self):
            return self.readable(self.predict_step({"tokens": tokens}, 0)[0].cpu())
