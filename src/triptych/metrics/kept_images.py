"""What is kept of each image of a split, gathered batch by batch."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from triptych.metrics.image_counts import ImageCounts


class KeptImages(Metric):
    """Keeps what `ImageCounts` needs of each image, on its device, and the path of its file.

    Args:
        counts: What is kept of each image.
        kwargs: See `torchmetrics.Metric`.
    """

    is_differentiable = False
    full_state_update = False

    kept: list[Tensor]

    def __init__(self, counts: ImageCounts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.counts = counts
        self.add_state("kept", [], dist_reduce_fx="cat")
        self.paths: list[str] = []

    def update(self, preds: Tensor, target: Tensor, size: Tensor, paths: Sequence[str]) -> None:
        """Adds the images of one batch; see `ImageCounts.keep`."""
        self.kept.append(self.counts.keep(preds, target, size))
        self.paths += paths

    def compute(self) -> Tensor:
        """What was kept of the images of all processes, (N, K), on the CPU; `paths` are those of this one."""
        kept = self.kept
        return torch.cat(kept if isinstance(kept, list) else [kept]).cpu()

    def reset(self) -> None:
        super().reset()
        self.paths = []
