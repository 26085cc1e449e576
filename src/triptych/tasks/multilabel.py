"""Multi-label classification: which tags a picture has."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch
from rich.console import RenderableType
from torch import Tensor

from triptych.datasets.sample import Batch
from triptych.losses import LossTerms, binary_cross_entropy
from triptych.metrics import TagScores
from triptych.metrics.thresholds import best_threshold, best_thresholds
from triptych.models import TagNetwork
from triptych.tasks.base import MaxLR, TransferTask, of_supported
from triptych.tasks.mistakes import wrong_tags
from triptych.tasks.tables import gain_line, tag_table

Choice = Literal["fixed", "single", "per_tag"]
"""The threshold of the hyper-parameter, or those chosen after the validation."""
CHOICES = get_args(Choice)


class MultiLabelClassifier(TransferTask):
    """Tells the tags of a picture by binary cross-entropy on logits.

    After each validation the thresholds with the best F2 on its predictions, one for all tags and one for each, are
    found and kept in the checkpoint.

    Args:
        num_labels: Number of tags; None takes it from the data module.
        tags: Name of each tag; None takes them from the data module.
        threshold: Probability above which a tag is given; the lesson's 0.2.
        tag_weights: Weight of each tag in the loss; None weighs all alike.
        max_lr: Peak of one-cycle: a number, or [first_group, last_group]; see `TransferTask`.
        transfer: Further arguments of `TransferTask`.

    Shape: images uint8 (N, C, H, W) of any height and width; logits float (N, num_labels).
    """

    required_hparam = "num_labels"
    target = "labels"
    thresholds: Tensor

    def __init__(
        self,
        num_labels: int | None = None,
        tags: list[str] | None = None,
        threshold: float = 0.2,
        tag_weights: list[float] | None = None,
        *,
        max_lr: MaxLR = 1e-2,
        **transfer: Any,
    ) -> None:
        super().__init__(max_lr=max_lr, **transfer)

    def build_network(self) -> TagNetwork:
        h = self.hparams
        weights, labels = h["tag_weights"], h["num_labels"]
        if weights is not None and len(weights) != labels:
            raise ValueError(f"tag_weights: expected {labels} numbers (num_labels), got {len(weights)}.")
        # row by row: fixed, single, per_tag; the last two are NaN until they are chosen
        limits = torch.tensor([float(h["threshold"]), torch.nan, torch.nan])
        self.register_buffer("thresholds", limits[:, None].repeat(1, labels))
        return TagNetwork(labels, h["encoder"], h["encoder_weights"], h["in_channels"])

    @property
    def tags(self) -> list[str]:
        """Name of each tag; numbers where none is known."""
        names: list[str] | None = self.hparams["tags"]
        return names or [f"tag {i}" for i in range(self.hparams["num_labels"])]

    def setup(self, stage: str) -> None:
        super().setup(stage)
        self.scores = TagScores(self.hparams["threshold"])

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        found, own = metadata.get("in_channels"), self.hparams["in_channels"]
        if found not in (None, own):
            raise ValueError(
                f"in_channels: the model or its checkpoint has {own}, the data {found}; say "
                f"`--model.in_channels {found}`, or `--data.channels {own}` if the tiles have as many."
            )
        super().resolve(metadata)

    def report(self, split: str) -> list[RenderableType]:
        threshold = self.hparams["threshold"]
        title = f"{split}, tag by tag, at threshold {threshold}"
        return [tag_table(self.last_scores, self.tags, title), gain_line(self.last_scores, threshold)]

    def class_scores(self) -> dict[str, dict[str, float]]:
        return {"f2": of_supported(self.tags, self.last_scores["tag_f2"], self.last_scores["support"])}

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms:
        """Binary cross-entropy of each tag. Shape: preds (logits) and target (N, num_labels)."""
        return binary_cross_entropy(preds, target, self.hparams["tag_weights"])

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        self.scores.update(preds.float().sigmoid(), batch["labels"])

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        if self.trainer.state.fn == "fit" and not self.trainer.sanity_checking:
            self.choose_thresholds(self.last_scores["probabilities"], self.last_scores["target"])

    def choose_thresholds(self, probabilities: Tensor, target: Tensor) -> None:
        """Keeps the thresholds with the best F2 on some predictions, one for all tags and one for each."""
        self.thresholds[CHOICES.index("single")] = best_threshold(probabilities, target)
        self.thresholds[CHOICES.index("per_tag")] = best_thresholds(probabilities, target).to(self.thresholds)

    def thresholds_by(self, choice: Choice) -> Tensor:
        """Threshold of each tag, (num_labels,).

        Args:
            choice: `"fixed"` for the hyper-parameter, `"single"` or `"per_tag"` for those chosen after the validation.

        Raises:
            ValueError: There is no such choice, or no thresholds were chosen yet.
        """
        if choice not in CHOICES:
            raise ValueError(f"thresholds: expected one of {', '.join(CHOICES)}, got {choice!r}.")
        limits = self.thresholds[CHOICES.index(choice)]
        if limits.isnan().any():
            raise ValueError(
                f"thresholds: {choice!r} has none yet, since they are chosen when a fit validates; fit with "
                'a validation first, or say "fixed".'
            )
        return limits

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        return wrong_tags(preds.sigmoid() > self.hparams["threshold"], target > 0, self.tags)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Probability of each tag, float32 (N, num_labels)."""
        logits: Tensor = self(batch["image"])
        return logits.float().sigmoid()
