"""Point regression: coordinates of points in an image."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MeanMetric

from triptych.datasets.sample import Batch
from triptych.losses import POINT_LOSSES, LossChoice
from triptych.metrics import PointScores
from triptych.models import PointNetwork
from triptych.tasks.base import MaxLR, TransferTask
from triptych.tasks.mistakes import missed_points


class PointRegressor(TransferTask):
    """Predicts points.

    Args:
        num_points: Number of points.
        max_lr: Peak learning rate of one-cycle, of each layer group; see `TransferTask`.
        loss: Of each coordinate on [-1, 1]: the mean of its `mse`, `l1` or `wing` (arguments `w`, `epsilon`), or a sum;
            see `triptych.losses` and `TransferTask`.
        transfer: Further arguments of `TransferTask`.

    Shape: images uint8 (N, C, H, W) of any height and width; points float32 (N, num_points, 2) as (y, x) in [-1, 1].
    """

    target = "point"
    losses = POINT_LOSSES
    target_hparams = ("num_points",)
    head_weight = "network.head.maps.5.weight"

    def __init__(
        self,
        num_points: int = 1,
        *,
        max_lr: MaxLR = 3e-3,
        loss: LossChoice = "mse",
        **transfer: Any,
    ) -> None:
        super().__init__(max_lr=max_lr, loss=loss, **transfer)
        self.only_resized = MeanMetric(nan_strategy="disable")  # to look for NaN, the host would wait for a GPU
        self.only_resized.persistent(True)  # a fit that is resumed within an epoch continues the mean

    def build_network(self) -> PointNetwork:
        h = self.hparams
        return PointNetwork(h["num_points"], h["encoder"], h["encoder_weights"], h["in_channels"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        if isinstance(self.network, PointNetwork):
            checkpoint["heatmap_on_edges"] = self.network.head.on_edges

    def take_form(self, checkpoint: Mapping[str, Any]) -> None:
        """Keeps the centres of cells that the weights were trained with; those of before checkpoints named them too."""
        if isinstance(self.network, PointNetwork):
            self.network.head.on_edges = checkpoint.get("heatmap_on_edges", True)

    def build_scores(self) -> PointScores:
        return PointScores()

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        self.scores.update(preds, batch["point"], batch["size"])

    def on_train_epoch_start(self) -> None:
        """Resets the mean: a checkpoint from the end of an epoch holds that of the epoch."""
        self.only_resized.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        if "only_resized" in batch:
            only_resized = batch["only_resized"].float()
            self.only_resized.update(only_resized, torch.ones_like(only_resized))  # a number would be copied to a GPU
            self.log("train/only_resized", self.only_resized, on_step=False, on_epoch=True)
        return super().training_step(batch, batch_idx)

    def describe_mistake(self, preds: Tensor, target: Tensor, size: Tensor) -> str:
        return missed_points(preds, target, size)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Points (N, P, 2) as (y, x) in pixels of the original files."""
        points: Tensor = (self(batch["image"]) + 1) / 2 * batch["size"][:, None]
        return points
