"""What a graph is traced with and compared on: batches of images or of tokens."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.base import TransferTask
from triptych.text import PAD_ID, SPECIAL

IMAGE_SHAPES = ((1, 17, 31), (2, 33, 47), (1, 96, 128), (2, 121, 159), (1, 224, 65))
"""N, H and W of the images that are compared: odd sides, sides below the stride of 32, and one image or two."""
TEXT_SHAPES = ((1, 1), (1, 7), (3, 40), (2, 73), (1, 300))
"""N and T of the tokens that are compared: below and beyond a chunk, of one text or of several lengths."""
_COARSE = 16
"""Pixels between the random values of smooth noise."""


class Example(NamedTuple):
    """What a graph is traced with.

    Args:
        name: Of the graph's input.
        batch: A batch, none of whose sides is 1 or equal to another, so that none is taken for a constant.
        sides: The sides that stay open, by dimension.
    """

    name: str
    batch: Tensor
    sides: dict[int, Any]


def image_example(in_channels: int) -> Example:
    """For a network of uint8 images (N, C, H, W)."""
    sides = {0: torch.export.Dim("N"), 2: torch.export.Dim("H"), 3: torch.export.Dim("W")}
    return Example("images", torch.zeros(2, in_channels, 96, 160, dtype=torch.uint8), sides)


def token_example() -> Example:
    """For a network of int64 tokens (N, T)."""
    return Example("tokens", torch.zeros(2, 9, dtype=torch.int64), {0: torch.export.Dim("N"), 1: torch.export.Dim("T")})


def example_for(model: TransferTask) -> Example:
    """For the network of a model."""
    return image_example(model.hparams["in_channels"]) if model.input == "image" else token_example()


def batches_for(model: TransferTask, data: TriptychDataModule | None) -> list[Tensor]:
    """Batches of several shapes on which the network of a model is compared: images of the data, or random tokens."""
    if model.input == "image":
        return images_of(data, model.hparams["in_channels"], IMAGE_SHAPES)
    beyond_pooling = (1, model.hparams["max_len"] + 9)
    return [tokens_of(model.hparams["vocab_size"], *shape) for shape in (*TEXT_SHAPES, beyond_pooling)]


def images_of(
    data: TriptychDataModule | None, in_channels: int, shapes: Sequence[tuple[int, int, int]]
) -> list[Tensor]:
    """A batch of each shape (N, H, W): the first validation images, resized, or smooth noise without data."""
    samples = None if data is None else data.val_dataloader().dataset
    batches = []
    for number, height, width in shapes:
        if samples is None:
            images = [*_noise(number, in_channels, height, width)]
        else:
            images = [samples[index % len(samples)]["image"] for index in range(number)]  # type: ignore[arg-type]
        batches.append(torch.stack([_resized(image, (height, width)) for image in images]))
    return batches


def tokens_of(vocab_size: int, number: int, length: int) -> Tensor:
    """Random tokens of texts, each but the first shorter than the one before. Shape: (number, length)."""
    generator = torch.Generator().manual_seed(length)
    words = torch.randint(min(len(SPECIAL), vocab_size - 1), vocab_size, (number, length), generator=generator)
    sizes = torch.linspace(length, 1, number + 1).long()[:number]
    return words.where(torch.arange(length) < sizes[:, None], PAD_ID)


def _noise(number: int, channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    shape = (number, channels, 2 + height // _COARSE, 2 + width // _COARSE)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    pixels = F.interpolate(image[None].float(), size, mode="bilinear", antialias=True)
    return pixels[0].round().clamp(0, 255).to(torch.uint8)
