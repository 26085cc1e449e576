"""Objects of rare classes, pasted from one frame of a batch into the next."""

from collections.abc import Sequence

import torch

from triptych.datasets.sample import Batch


def pasted(batch: Batch, classes: Sequence[int]) -> Batch:
    """A batch in which each frame shows, at their places, the pixels of some classes of the frame before it.

    Args:
        batch: `image` uint8 (N, C, H, W) and `mask` int64 (N, H, W).
        classes: The ids of these classes.

    Source: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation", 2021;
    here whole classes are pasted, and stay where they are, since a street has its places for poles and people.
    """
    image, mask = batch["image"], batch["mask"]
    of_other = mask.roll(1, dims=0)
    is_pasted = torch.zeros_like(of_other, dtype=torch.bool)
    for one in classes:  # `torch.isin` would copy the ids to a GPU, for which the host waits
        is_pasted |= of_other == one
    return {
        **batch,
        "image": torch.where(is_pasted[:, None], image.roll(1, dims=0), image),
        "mask": torch.where(is_pasted, of_other, mask),
    }
