"""What a task predicts for images of a user."""

from typing import Any

import lightning as L
import torch
from torch import Tensor

from triptych.datasets.images import Scale
from triptych.tasks.inputs import as_list, read_image
from triptych.trainer.evaluation_mode import evaluation_mode


class Predicting(L.LightningModule):
    """A LightningModule that predicts for files, pictures and arrays."""

    def predict(self, images: Any, scale: Scale | None = None) -> Any:
        """What `triptych predict` writes for an image: a mask, points, or tags with their probabilities.

        Args:
            images: The path of a file, a PIL image, an array uint8 (H, W, C), RGB first, or a list of them. The network
                gets each in its own size.
            scale: How files of more than 8 bits are read, as in training; see `triptych.datasets.images.read_rgb`.

        Returns:
            UNetSegmenter: class ids, uint8 (H, W). PointRegressor: (y, x) in pixels, float32 (P, 2).
            MultiLabelClassifier: probability by tag above the threshold, the highest first. A list for a list.

        Raises:
            ValueError: An image has another form than the model takes, or more than 8 bits and `scale` is None.
            MissingDataError: A file does not exist.
        """
        with evaluation_mode(self):
            found = [self._predicted(image, scale) for image in as_list(images)]
        return found if isinstance(images, (list, tuple)) else found[0]

    def _predicted(self, image: Any, scale: Scale | None) -> Any:
        pixels = read_image(image, self.hparams["in_channels"], scale)[None]
        batch = {"image": pixels.to(self.device), "size": torch.tensor([pixels.shape[-2:]], device=self.device)}
        return self.readable(self.predict_step(batch, 0)[0].cpu())

    def readable(self, prediction: Tensor) -> Any:
        """What `predict` returns for one image, from what `predict_step` gives for it."""
        return prediction.numpy()

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """What is predicted for each image of a batch."""
        raise NotImplementedError
