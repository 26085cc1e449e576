"""What a task predicts for images of a user."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from triptych.datasets.tile import checked_tile
from triptych.images import Scale
from triptych.tasks.averaging import Averaging
from triptych.tasks.inputs import as_list, read_image
from triptych.trainer.evaluation_mode import evaluation_mode
from triptych.views import TTAChoice


class Predicting(Averaging):
    """A LightningModule that predicts for files, pictures and arrays."""

    def predict(self, images: Any, tile: int | None = None, scale: Scale | None = None, tta: TTAChoice = None) -> Any:
        """What `triptych predict` writes for an image: a mask, points, or tags with their probabilities.

        Args:
            images: The path of a file, a PIL image, an array uint8 (H, W, C), RGB first, or a list of them. The network
                gets each in its own size.
            tile: Longest side in pixels, at least 64, of the overlapping tiles in which a mask is predicted, for images
                that are too large for the network; None takes each image at once.
            scale: How files of more than 8 bits are read, as in training; see `triptych.images.read_rgb`.
            tta: Views over which predictions are averaged; see `TransferTask`. None takes the model's own.

        Returns:
            UNetSegmenter: class ids, uint8 (H, W). PointRegressor: (y, x) in pixels, float32 (P, 2).
            MultiLabelClassifier: probability by tag above the threshold, the highest first. A list for a list.

        Raises:
            ValueError: An image has another form than the model takes, `tile` is too small or not for this task, or
                `tta` is unknown.
            MissingDataError: A file does not exist.
        """
        more = {} if tile is None else {"tile": torch.tensor([checked_tile(tile, self.target)])}
        with evaluation_mode(self), self.averaging(tta):
            found = [self._predicted(image, scale, more) for image in as_list(images)]
        return found if isinstance(images, (list, tuple)) else found[0]

    def _predicted(self, image: Any, scale: Scale | None, more: Mapping[str, Tensor]) -> Any:
        pixels = read_image(image, self.hparams["in_channels"], scale)[None]
        size = torch.tensor([pixels.shape[-2:]], device=self.device)
        batch = {"image": pixels.to(self.device), "size": size, **more}
        return self.readable(self.predict_step(batch, 0)[0].cpu())

    def readable(self, prediction: Tensor) -> Any:
        """What `predict` returns for one image, from what `predict_step` gives for it."""
        return prediction.numpy()

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """What is predicted for each image of a batch."""
        raise NotImplementedError
