"""Mixup: each image of a batch is mixed with another one, and its labels with the other's."""

import torch

from triptych.datasets.sample import Batch


def mixed(batch: Batch, alpha: float) -> Batch:
    """A batch in which each image keeps a share of at least one half, and another image of the batch has the rest.

    Args:
        batch: `image` uint8 (N, C, H, W) and `labels` float (N, L).
        alpha: The share is drawn from Beta(alpha, alpha), by torch's global generator; the larger, the nearer to 0.5.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018; shares from 0.5 on as in fastai, so that
    no image is mixed twice in the same way.
    """
    images, labels = batch["image"], batch["labels"]
    a = torch.tensor(alpha, dtype=torch.float32)  # no other precision can be drawn
    drawn = torch.distributions.Beta(a, a).sample((len(labels),))
    share = torch.maximum(drawn, 1 - drawn).to(labels.device)
    order = torch.randperm(len(labels)).to(labels.device)
    pixels = images.float()
    image = torch.lerp(pixels[order], pixels, share[:, None, None, None]).round().to(images.dtype)
    return {**batch, "image": image, "labels": torch.lerp(labels[order], labels, share[:, None].to(labels.dtype))}
