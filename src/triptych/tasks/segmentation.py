"""Segmentation: a class for every pixel."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from rich.console import RenderableType
from torch import Tensor

from triptych.datasets.rare_classes import rare_classes
from triptych.datasets.sample import Batch
from triptych.losses import MASK_LOSSES, LossChoice, LossTerms
from triptych.metrics import SegmentationScores
from triptych.metrics.image_counts import MaskCounts
from triptych.models import UNet
from triptych.models.tiles import tiled_ids
from triptych.models.tta import average_masks
from triptych.tasks.file_masks import FileMasks
from triptych.tasks.images import ImageTask
from triptych.tasks.mistakes import wrong_pixels
from triptych.tasks.paste import pasted
from triptych.tasks.scoring import supported_scores
from triptych.tasks.tables import class_table
from triptych.trainer.cpu import return_large_memory
from triptych.views import View

BALANCED = "balanced"


class UNetSegmenter(ImageTask):
    """A U-Net that starts from a pretrained encoder; loss and scores ignore void pixels.

    Args:
        num_classes: Number of classes, void included; None takes it from the data module.
        ignore_index: Class id of void pixels, left out of loss and scores; None takes it from the data module.
        class_names: Name of each class, for tables and legends; None takes them from the data module.
        class_weights: Weight of each class in the loss; None weights all equally. `"balanced"` computes them from the
            training masks: one over the fourth root of its fraction of the labelled pixels, with mean 1 over these
            pixels.
        paste: Probability that the frames of a training batch show the rare classes of each other, see
            `triptych.tasks.paste`. Pictures of a training batch show the frames before.
        loss: `cross_entropy` (argument `label_smoothing`), `focal` (`gamma`), `dice`, `lovasz` or `tversky` (`alpha`,
            `beta`), or a sum such as `[cross_entropy, {name: dice, weight: 0.5}]`; see `triptych.losses` and
            `TransferTask`.
        transfer: Further arguments of `ImageTask`.

    Shape: images uint8 (N, C, H, W) of any height and width; logits float (N, num_classes, H, W).
    """

    required_hparam = "num_classes"
    target_hparams = ("num_classes", "ignore_index", "class_names", "class_weights")
    target = "mask"
    losses = MASK_LOSSES
    head_weight = "network.head.0.weight"

    def __init__(
        self,
        num_classes: int | None = None,
        ignore_index: int | None = None,
        class_names: list[str] | None = None,
        class_weights: list[float] | Literal["balanced"] | None = None,
        *,
        paste: float = 0.0,
        loss: LossChoice = "cross_entropy",
        **transfer: Any,
    ) -> None:
        if not 0 <= paste <= 1:
            raise ValueError(f"paste: expected a probability, 0 to 1, got {paste}.")
        super().__init__(loss=loss, **transfer)

    @property
    def class_names(self) -> list[str]:
        """Name of each class; numbered if the names are unknown."""
        names: list[str] | None = self.hparams["class_names"]
        return names or [f"class {i}" for i in range(self.hparams["num_classes"])]

    def build_network(self) -> UNet:
        self._check_weights()
        h = self.hparams
        return UNet(h["num_classes"], h["encoder"], h["encoder_weights"], h["in_channels"])

    def prepare(self, datamodule: Any) -> None:
        """Computes `class_weights` if it is `"balanced"`, and which classes are pasted."""
        if paste := self.hparams["paste"]:
            self.pasted_classes = rare_classes(_class_counts(datamodule, f"paste: {paste:g}", "leave it out"))
        if self.hparams["class_weights"] == BALANCED:
            asked = f'class_weights: "{BALANCED}"'
            counts = _class_counts(datamodule, asked, "give one number per class instead")
            self.save_hyperparameters({"class_weights": balanced_weights(counts)})

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        paste: float = self.hparams["paste"]
        pastes = paste and float(torch.rand(())) < paste
        return super().training_step(pasted(batch, self.pasted_classes) if pastes else batch, batch_idx)

    def build_scores(self) -> SegmentationScores:
        return SegmentationScores(self.hparams["num_classes"], self.hparams["ignore_index"])

    def build_image_counts(self) -> MaskCounts:
        return MaskCounts(self.hparams["num_classes"], self.hparams["ignore_index"])

    def average(self, images: Tensor, views: Sequence[View]) -> Tensor:
        return average_masks(self, images, views)

    def _check_weights(self) -> None:
        weights, num_classes = self.hparams["class_weights"], self.hparams["num_classes"]
        self.chosen_loss.refuse_weights("class_weights", weights)
        if isinstance(weights, str):
            if weights != BALANCED:
                raise ValueError(
                    f'class_weights: expected {num_classes} numbers (num_classes) or "{BALANCED}", got {weights!r}.'
                )
        elif weights is not None and len(weights) != num_classes:
            raise ValueError(f"class_weights: expected {num_classes} numbers (num_classes), got {len(weights)}.")

    def report(self, split: str) -> list[RenderableType]:
        return [class_table(self.last_scores, self.class_names, f"{split}, class by class")]

    def class_scores(self) -> dict[str, dict[str, float]]:
        return {"iou": supported_scores(self.class_names, self.last_scores["iou"], self.last_scores["support"])}

    def loss(self, preds: Tensor, target: Tensor) -> LossTerms | Tensor:
        """The chosen loss of the labelled pixels.

        Shape: preds (logits) (N, num_classes, H, W), target int64 (N, H, W).

        Raises:
            ValueError: `class_weights` is still `"balanced"`.
        """
        weights = self.hparams["class_weights"]
        if weights == BALANCED:
            raise ValueError(
                f'class_weights: "{BALANCED}" is computed at the start of a fit, and no fit has started; '
                "load a checkpoint of a fit, or give the numbers or None."
            )
        return self.chosen_loss(preds, target, class_weights=weights, ignore_index=self.hparams["ignore_index"])

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        ids = preds.argmax(dim=1)
        self.scores.update(ids, batch["mask"])
        self.keep_images(ids, batch)

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        return wrong_pixels(preds.argmax(dim=0), target, self.class_names, self.hparams["ignore_index"])

    def predict_step(self, batch: Batch, batch_idx: int) -> FileMasks | list[Tensor]:
        """Class ids (H, W) of each image, at the size of its file."""
        if "tile" in batch:
            return_large_memory()
            tiles = batch["tile"].tolist()
            return [tiled_ids(self.predicted, image, tile) for image, tile in zip(batch["image"], tiles, strict=True)]
        return FileMasks(self.predicted(batch["image"]).float(), batch["size"].tolist())


def _class_counts(datamodule: Any, asked: str, instead: str) -> list[int]:
    if not hasattr(datamodule, "class_counts"):
        raise ValueError(f"{asked} needs a data module with class_counts(), such as CamVidDataModule; {instead}.")
    counts: list[int] = datamodule.class_counts()
    return counts


def balanced_weights(counts: Sequence[int], power: float = 0.25) -> list[float]:
    """Weight of each class, one over the fourth root of its fraction of the pixels; 0 for a class without pixels.

    The mean weight of a pixel is 1, so the loss keeps its scale.

    Args:
        counts: Number of labelled pixels of each class, 0 for void.
        power: Of the fraction that a weight is one over. 0.5 gives rare classes too much: on a street that was not
            trained on, both accuracy and mean IoU are a point lower, see `docs/results.md`.

    Raises:
        ValueError: No pixel is labelled.
    """
    total = sum(counts)
    if total == 0:
        raise ValueError(f'class_weights: "{BALANCED}" needs labelled pixels; the training masks have none.')
    fractions = [count / total for count in counts]
    weights = [fraction**-power if fraction else 0.0 for fraction in fractions]
    mean = sum(weight * fraction for weight, fraction in zip(weights, fractions, strict=True))
    return [weight / mean for weight in weights]
