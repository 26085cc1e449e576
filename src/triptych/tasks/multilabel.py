"""Multi-label classification: the tags of an image."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from rich.console import RenderableType
from torch import Tensor

from triptych.datasets.sample import Batch
from triptych.exported import ExportedFolder, Manifest
from triptych.losses import TAG_LOSSES, LossChoice, LossTerms
from triptych.metrics import TagScores
from triptych.metrics.image_counts import TagCounts
from triptych.metrics.thresholds import best_threshold, best_thresholds
from triptych.models import TagNetwork
from triptych.models.tta import average_labels
from triptych.tasks.base import MaxLR
from triptych.tasks.images import ImageTask
from triptych.tasks.mistakes import wrong_tags
from triptych.tasks.mixup import mixed
from triptych.tasks.scoring import supported_scores
from triptych.tasks.tables import gain_line, tag_table
from triptych.views import View

Choice = Literal["fixed", "single", "per_tag"]
"""The hyper-parameter's threshold, or those that a validation chose: one for all tags, or one per tag."""
CHOICES = get_args(Choice)
_THRESHOLDS = "thresholds"  # key in a state dict


class MultiLabelClassifier(ImageTask):
    """Predicts the tags of an image.

    Each validation of a fit chooses the thresholds with the best F2 on its predictions, one for all tags and one per
    tag; checkpoints hold them.

    Args:
        num_labels: Number of tags; None takes it from the data module.
        tags: Name of each tag; None takes them from the data module.
        threshold: Probability above which a tag is predicted; the lesson's 0.2.
        tag_weights: Weight of each tag in the loss; None weights all equally.
        mixup: Mixes the training images with each other, see `triptych.tasks.mixup`: the alpha of the shares, such as
            0.4; 0 mixes none. Pictures of a training batch show the images before they are mixed.
        max_lr: Peak learning rate of one-cycle, of each layer group; see `TransferTask`.
        loss: `binary_cross_entropy` (argument `label_smoothing`), `focal` (`gamma`, `alpha`) or `asymmetric`
            (`gamma_neg`, `gamma_pos`, `clip`), or a sum; see `triptych.losses` and `TransferTask`.
        transfer: Further arguments of `ImageTask`.

    Shape: images uint8 (N, C, H, W) of any height and width; logits float (N, num_labels).
    """

    required_hparam = "num_labels"
    target_hparams = ("num_labels", "tags", "tag_weights")
    target = "labels"
    losses = TAG_LOSSES
    head_weight = "network.head.layers.6.weight"
    thresholds: Tensor
    """Thresholds (3, num_labels), a row a choice, NaN until they are chosen. No buffer, since an average of thresholds,
    as `EMAWeightAveraging` would make, is none that was chosen."""

    def __init__(
        self,
        num_labels: int | None = None,
        tags: list[str] | None = None,
        threshold: float = 0.2,
        tag_weights: list[float] | None = None,
        *,
        mixup: float = 0.0,
        max_lr: MaxLR = 1e-2,
        loss: LossChoice = "binary_cross_entropy",
        **transfer: Any,
    ) -> None:
        if not 0 <= mixup < math.inf:
            raise ValueError(f"mixup: expected a number from 0, which mixes nothing, got {mixup}.")
        super().__init__(max_lr=max_lr, loss=loss, **transfer)

    def build_network(self) -> TagNetwork:
        h = self.hparams
        weights, labels = h["tag_weights"], h["num_labels"]
        if weights is not None and len(weights) != labels:
            raise ValueError(f"tag_weights: expected {labels} numbers (num_labels), got {len(weights)}.")
        self.chosen_loss.refuse_weights("tag_weights", weights)
        rows = torch.tensor([float(h["threshold"]), torch.nan, torch.nan])
        self.thresholds = rows[:, None].repeat(1, labels)
        return TagNetwork(labels, h["encoder"], h["encoder_weights"], h["in_channels"])

    @property
    def tags(self) -> list[str]:
        """Name of each tag; numbered if the names are unknown."""
        names: list[str] | None = self.hparams["tags"]
        return names or [f"tag {i}" for i in range(self.hparams["num_labels"])]

    def build_scores(self) -> TagScores:
        return TagScores(self.hparams["threshold"])

    def build_image_counts(self) -> TagCounts:
        return TagCounts(self.hparams["threshold"])

    def average(self, images: Tensor, views: Sequence[View]) -> Tensor:
        return average_labels(self, images, views)

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        of_data, of_model = metadata.get("in_channels"), self.hparams["in_channels"]
        if of_data not in (None, of_model):
            raise ValueError(
                f"in_channels: the model or its checkpoint has {of_model}, the data {of_data}; pass "
                f"`--model.in_channels {of_data}`, or `--data.channels {of_model}` if the tiles have that number."
            )
        super().resolve(metadata)

    def report(self, split: str) -> list[RenderableType]:
        threshold = self.hparams["threshold"]
        title = f"{split}, tag by tag, at threshold {threshold}"
        return [tag_table(self.last_scores, self.tags, title), gain_line(self.last_scores, threshold)]

    def class_scores(self) -> dict[str, dict[str, float]]:
        return {"f2": supported_scores(self.tags, self.last_scores["tag_f2"], self.last_scores["support"])}

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The chosen loss of the tags. Shape: preds (logits) and target (N, num_labels)."""
        return self.chosen_loss(preds, target, tag_weights=self.hparams["tag_weights"])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        alpha: float = self.hparams["mixup"]
        return super().training_step(mixed(batch, alpha) if alpha else batch, batch_idx)

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        self.scores.update(preds.float().sigmoid(), batch["labels"])
        self.keep_images(preds.float(), batch)

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        if self.trainer.state.fn == "fit" and not self.trainer.sanity_checking:
            self.choose_thresholds(self.last_scores["probabilities"], self.last_scores["target"])

    def choose_thresholds(self, probabilities: Tensor, target: Tensor) -> None:
        """Sets the thresholds with the best F2 on these predictions, one for all tags and one per tag."""
        single = torch.full_like(self.thresholds[0], best_threshold(probabilities, target))
        self.thresholds = torch.stack([self.thresholds[0], single, best_thresholds(probabilities, target)])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["state_dict"][_THRESHOLDS] = self.thresholds  # a callback may have put averaged weights there

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.network is not None:
            destination[prefix + _THRESHOLDS] = self.thresholds

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if self.network is not None and prefix + _THRESHOLDS in state_dict:
            self.thresholds = state_dict.pop(prefix + _THRESHOLDS).detach().cpu().clone()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def take_manifest(self, manifest: Manifest, exported: ExportedFolder) -> None:
        """See `Pretrained`; the thresholds that a validation chose are part of the model."""
        super().take_manifest(manifest, exported)
        rows = [manifest.thresholds.get(choice) for choice in CHOICES] if manifest.thresholds else []
        for row, values in zip(self.thresholds, rows, strict=False):
            if values is not None:
                row.copy_(torch.tensor(values))

    def thresholds_by(self, choice: Choice) -> Tensor:
        """Threshold of each tag, (num_labels,).

        Args:
            choice: `"fixed"` for the hyper-parameter, `"single"` or `"per_tag"` for those that a validation chose.

        Raises:
            ValueError: `choice` is unknown, or its thresholds are not chosen yet.
        """
        if choice not in CHOICES:
            raise ValueError(f"thresholds: expected one of {', '.join(CHOICES)}, got {choice!r}.")
        if choice == "fixed":
            return torch.full((self.hparams["num_labels"],), float(self.hparams["threshold"]), device=self.device)
        thresholds = self.thresholds[CHOICES.index(choice)].to(self.device)
        if thresholds.isnan().any():
            raise ValueError(
                f"thresholds: expected values for {choice!r}, got none: the validation of a fit chooses them; fit with "
                'a validation first, or use "fixed".'
            )
        return thresholds

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        return wrong_tags(preds.sigmoid() > self.hparams["threshold"], target > 0, self.tags)

    def readable(self, prediction: Tensor) -> dict[str, float]:
        above = prediction > self.hparams["threshold"]
        order = prediction.argsort(descending=True).tolist()
        return {self.tags[i]: float(prediction[i]) for i in order if above[i]}

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Probability of each tag, float32 (N, num_labels)."""
        return self.predicted(batch["image"]).float().sigmoid()
