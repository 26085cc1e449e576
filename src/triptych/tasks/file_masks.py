"""Predicted masks in the size of their files, one in memory at a time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from triptych.models.class_ids import resized_ids


class FileMasks:
    """Class ids of each image of a batch, uint8 (H, W); each is computed when it is asked for.

    Args:
        logits: Logits (N, C, h, w), float32.
        sizes: (height, width) in pixels of each image in its file.
    """

    def __init__(self, logits: Tensor, sizes: Sequence[Sequence[int]]) -> None:
        self.logits, self.sizes = logits, sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Tensor:
        return resized_ids(self.logits[index], self.sizes[index])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def to(self, device: torch.device) -> list[Tensor]:
        """All masks on a device; Lightning calls it for the predictions that `Trainer.predict` returns."""
        return [mask.to(device) for mask in self]
