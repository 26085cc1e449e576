"""Base class of the tasks on images."""

from collections.abc import Mapping
from typing import Any, cast

from torch import Tensor

from triptych.models.network import TransferNetwork
from triptych.tasks.base import MaxLR, TransferTask
from triptych.tasks.inputs import check_batch, check_images
from triptych.tasks.prediction import Predicting
from triptych.views import TTAChoice, views_of


class ImageTask(Predicting, TransferTask):
    """Predicts something about an image, with an encoder of segmentation_models_pytorch.

    Args:
        encoder: Name of the encoder in segmentation_models_pytorch.
        encoder_weights: `"imagenet"`, the path of a state dict, or of a checkpoint of any task, whose encoder is then
            taken, or None for random weights.
        in_channels: Number of image channels.
        max_lr: See `TransferTask`.
        tta: Views of an image over which predictions are averaged in validation, test and prediction: `flip` (the
            image and its mirror image), `dihedral` (all eight symmetries, for images without an upper side), or
            `{symmetry: flip, scales: [0.75, 1, 1.25]}`. Checkpoints do not hold it: give it where it is wanted.
        transfer: Further arguments of `TransferTask`.

    Raises:
        ValueError: `loss` or `tta` is unknown, or one of its arguments is unknown or out of range.
    """

    input = "image"
    structure = ("encoder", "in_channels")
    network: TransferNetwork | None

    def __init__(
        self,
        encoder: str = "resnet34",
        encoder_weights: str | None = "imagenet",
        in_channels: int = 3,
        max_lr: MaxLR = 1e-3,
        *,
        tta: TTAChoice = None,
        **transfer: Any,
    ) -> None:
        super().__init__(encoder_weights, max_lr, **transfer)
        self.views = views_of(tta)

    @property
    def encoder_name(self) -> str:
        name: str = self.hparams["encoder"]
        return name

    def forward(self, images: Tensor) -> Tensor:
        """Logits of uint8 images (N, C, H, W).

        Raises:
            RuntimeError: The network is not built yet.
            ValueError: The images have another form, or are scaled or normalised already.
        """
        network = self.built()
        logits: Tensor = network(check_images(images, self.hparams["in_channels"], in_step=self.training))
        return logits

    def trained(self, batch: Any) -> Tensor:
        """See `TransferTask`; a batch of `StoredViews` has features in place of images."""
        if "features" not in batch:
            return super().trained(batch)
        return cast(TransferNetwork, self.built()).decode(batch["features"])

    def setup(self, stage: str) -> None:
        super().setup(stage)
        self.start_gain(stage, self.build_image_counts())

    def check(self, batch: Any) -> Any:
        """See `triptych.tasks.inputs`; stored features are those of a checked batch."""
        if isinstance(batch, Mapping) and "features" in batch:
            return batch
        number = self.hparams.get(next(iter(self.target_hparams), ""))
        return check_batch(batch, self.target, self.hparams["in_channels"], number, self.hparams.get("ignore_index"))

    def _log_scores(self, stage: str) -> None:
        super()._log_scores(stage)
        self.end_gain()
