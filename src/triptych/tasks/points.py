"""Point regression: coordinates of points in an image."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rich.console import RenderableType
from torch import Tensor
from torchmetrics import MeanMetric

from triptych.datasets.sample import Batch
from triptych.losses import POINT_LOSSES, LossChoice
from triptych.metrics import PointScores
from triptych.metrics.image_counts import PointCounts
from triptych.models import PointNetwork
from triptych.models.tta import average_points
from triptych.runs.plain_values import plain
from triptych.tasks.base import MaxLR
from triptych.tasks.images import ImageTask
from triptych.tasks.mistakes import missed_points
from triptych.tasks.scoring import supported_scores
from triptych.tasks.tables import point_table
from triptych.views import View, pairs_for

_ON_EDGES = "heatmap_on_edges"
"""Key in a checkpoint; see `HeatmapHead.on_edges`."""


class PointRegressor(ImageTask):
    """Predicts points. A point that is missing in an image, NaN in the target, has neither loss nor score there.

    Args:
        num_points: Number of points; None takes it from the data module, and is 1 if that does not say it.
        point_names: Name of each point, for tables and files; None takes them from the data module.
        flip_pairs: Pairs of indices of the points that change places in a mirrored image, which `tta` needs; None, or
            other pairs than those of the data module, takes them from there.
        max_lr: Peak learning rate of one-cycle, of each layer group; see `TransferTask`.
        loss: Of each coordinate on [-1, 1]: the mean of its `mse`, `l1` or `wing` (arguments `w`, `epsilon`), or a sum;
            see `triptych.losses` and `TransferTask`.
        transfer: Further arguments of `ImageTask`.

    Shape: images uint8 (N, C, H, W) of any height and width; points float32 (N, num_points, 2) as (y, x) in [-1, 1].
    """

    target = "point"
    losses = POINT_LOSSES
    target_hparams = ("num_points", "point_names", "flip_pairs")
    head_weight = "network.head.maps.5.weight"

    def __init__(
        self,
        num_points: int | None = None,
        point_names: list[str] | None = None,
        flip_pairs: list[list[int]] | None = None,
        *,
        max_lr: MaxLR = 3e-3,
        loss: LossChoice = "mse",
        **transfer: Any,
    ) -> None:
        super().__init__(max_lr=max_lr, loss=loss, **transfer)
        self.only_resized = MeanMetric(nan_strategy="disable")  # to look for NaN, the host would wait for a GPU
        self.only_resized.persistent(True)  # a fit that is resumed within an epoch continues the mean

    @property
    def point_names(self) -> list[str]:
        """Name of each point; numbered if the names are unknown."""
        names: list[str] | None = self.hparams["point_names"]
        return names or [f"point {i}" for i in range(1, 1 + (self.hparams["num_points"] or 1))]

    def build_network(self) -> PointNetwork:
        h = self.hparams
        return PointNetwork(h["num_points"] or 1, h["encoder"], h["encoder_weights"], h["in_channels"])

    def configure_model(self) -> None:
        super().configure_model()
        self._resolve_from_data()

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self._take_number(1)  # neither data nor a checkpoint have said it by now
        return super().on_before_batch_transfer(batch, dataloader_idx)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._take_number(checkpoint.get("hyper_parameters", {}).get("num_points"))
        super().on_load_checkpoint(checkpoint)

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        """See `Checkpointing.load_state_dict`; if the number of points is still open, it is that of the weights.

        Such are the weights that another process gives back, as with `ddp_spawn`.
        """
        weight = state_dict.get(self.head_weight)
        if weight is not None and weight.shape != self.state_dict()[self.head_weight].shape:
            self._take_number(len(weight))
        return super().load_state_dict(state_dict, *args, **options)

    def _take_number(self, num_points: int | None) -> None:
        """Takes the number of points if it is still open."""
        if self.hparams["num_points"] is None and num_points is not None:
            self.resolve({"num_points": num_points})

    def resolve(self, metadata: Mapping[str, Any]) -> None:
        """See `TransferTask.resolve`; a network of another number of points gets a new last layer.

        Raises:
            ValueError: `metadata` has another number of points, or other names, than the hyper-parameters.
        """
        names, of_data = self.hparams["point_names"], plain(metadata.get("point_names"))
        if None not in (names, of_data) and names != of_data:
            raise ValueError(
                f"point_names: the model or its checkpoint has {names!r}, the data {of_data!r}; set point_names "
                "of the data to the model's, or choose data that agree."
            )
        if "flip_pairs" in metadata:  # the weights do not depend on them
            self.save_hyperparameters({"flip_pairs": None})
        super().resolve(metadata)
        if self.hparams["num_points"] is None and self.hparams["point_names"] is not None:
            self.save_hyperparameters({"num_points": len(self.hparams["point_names"])})
        number = self.hparams["num_points"]
        if len(self.point_names) != (number or 1):
            raise ValueError(f"point_names: expected {number} names (num_points), got {len(self.point_names)}.")
        if isinstance(self.network, PointNetwork) and number is not None:
            self.network.head.set_num_points(number)

    @property
    def form(self) -> dict[str, bool]:
        """Where the centres of the heat maps' cells are."""
        return {_ON_EDGES: self.network.head.on_edges} if isinstance(self.network, PointNetwork) else {}

    def take_form(self, checkpoint: Mapping[str, Any]) -> None:
        """Keeps the centres of cells that the weights were trained with; those of before checkpoints named them too."""
        if isinstance(self.network, PointNetwork):
            self.network.head.on_edges = checkpoint.get(_ON_EDGES, True)

    def build_scores(self) -> PointScores:
        several = len(self.point_names) > 1
        return PointScores(self.hparams["num_points"] if several else None)

    def build_image_counts(self) -> PointCounts:
        return PointCounts()

    def average(self, images: Tensor, views: Sequence[View]) -> Tensor:
        return average_points(self, images, views, pairs_for(views, self.hparams["flip_pairs"], self.point_names))

    def update_scores(self, preds: Tensor, batch: Batch) -> None:
        self.scores.update(preds, batch["point"], batch["size"])
        self.keep_images(preds.float(), batch)

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
        return missed_points(preds, target, size, self.point_names)

    def report(self, split: str) -> list[RenderableType]:
        if len(self.point_names) == 1:
            return []
        return [point_table(self.last_scores, self.point_names, f"{split}, point by point")]

    def class_scores(self) -> dict[str, dict[str, float]]:
        """The mean error of each of several points, in pixels."""
        if len(self.point_names) == 1:
            return {}
        scores = self.last_scores
        return {"error_px": supported_scores(self.point_names, scores["point_error_px"], scores["support"])}

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Points (N, P, 2) as (y, x) in pixels of the original files."""
        points: Tensor = (self.predicted(batch["image"]) + 1) / 2 * batch["size"][:, None]
        return points
