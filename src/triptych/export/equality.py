"""Whether an exported network answers as the model does."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from triptych.datamodules.base import TriptychDataModule
from triptych.export.graph import PlainNetwork
from triptych.export.session import OnnxNetwork

SHAPES = ((1, 17, 31), (2, 33, 47), (1, 96, 128), (2, 121, 159), (1, 224, 65))
"""N, H and W of the images that are compared: odd sides, sides below the stride of 32, and one image or two."""
TOLERANCE = 1e-4
"""Largest difference of points in [-1, 1], of probabilities, and of logits as a fraction of their range.

Two orders in which float32 sums a layer differ by about 1e-7 of its values, and 60 layers add up to 1e-6 to 1e-5
(`benchmarks/onnx_equality.py`); a size that was frozen, or a layer left out, gives 1e-2 and more.
"""
AGREEMENT = 0.9999
"""Fraction of the pixels that must have the same class; two logits may be equal up to rounding."""
_COARSE = 16
"""Pixels between the random values of smooth noise."""


class Difference(NamedTuple):
    """Difference between two networks.

    Args:
        largest: Largest absolute difference, of logits as a fraction of their range; NaN if an answer is no number.
        agreement: Fraction of the pixels with the same class; 1 for other tasks.
    """

    largest: float
    agreement: float


def check_equal(network: PlainNetwork, exported: OnnxNetwork, images: Sequence[Tensor], path: Path) -> Difference:
    """Compares an exported network with the model.

    Args:
        network: The model's network.
        exported: The exported one.
        images: Batches uint8 (N, C, H, W).
        path: What was to be written, for the error.

    Raises:
        ValueError: They differ by more than rounding.
    """
    try:
        difference = compare(network, exported, images)
    except RuntimeError as error:
        raise ValueError(f"{path}: the exported network does not run, so nothing was written; {error}") from error
    if not (difference.largest <= TOLERANCE and difference.agreement >= AGREEMENT):
        raise ValueError(
            f"{path}: expected answers that differ by at most {TOLERANCE} from the model's and agree on "
            f"{AGREEMENT:.2%} of the pixels, got {difference.largest:.2g} and {difference.agreement:.2%}; the exported "
            f"network is not the model, so nothing was written. Another version of torch or onnxscript may help."
        )
    return difference


def compare(network: PlainNetwork, exported: OnnxNetwork, images: Sequence[Tensor]) -> Difference:
    """The difference over some batches; see `check_equal`."""
    largest, same, pixels = [], 0, 0
    for batch in images:
        expected = _answer(network, batch)
        if expected is None:
            continue
        got = exported.run(batch.numpy())
        if got.shape != expected.shape:
            return Difference(float("nan"), 0.0)
        scale = float(np.ptp(expected)) if network.target == "mask" else 1.0
        largest.append(float(np.abs(got - expected).max()) / (scale or 1.0))
        if network.target == "mask":
            same += int((got.argmax(axis=1) == expected.argmax(axis=1)).sum())
            pixels += expected[:, 0].size
    return Difference(float(np.max(largest)), same / pixels if pixels else 1.0)


def _answer(network: PlainNetwork, batch: Tensor) -> npt.NDArray[np.float32] | None:
    """The model's answer; None if its encoder takes no image that small, as ConvNeXt without padding."""
    try:
        with torch.no_grad():
            return network(batch).numpy()  # type: ignore[no-any-return]
    except RuntimeError:
        return None


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


def _noise(number: int, channels: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    shape = (number, channels, 2 + height // _COARSE, 2 + width // _COARSE)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    pixels = F.interpolate(image[None].float(), size, mode="bilinear", antialias=True)
    return pixels[0].round().clamp(0, 255).to(torch.uint8)
