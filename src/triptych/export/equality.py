"""Whether an exported network answers as the model does."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from triptych.export.graph import PlainNetwork
from triptych.export.session import OnnxNetwork

TOLERANCE = 1e-4
"""Largest difference of points in [-1, 1], of probabilities, and of logits as a fraction of their range.

Two orders in which float32 sums a layer differ by about 1e-7 of its values, and 60 layers add up to 1e-6 to 1e-5
(`benchmarks/onnx_equality.py`); a size that was frozen, or a layer left out, gives 1e-2 and more.
"""
AGREEMENT = 0.9999
"""Fraction of the pixels that must have the same class; two logits may be equal up to rounding."""


class Difference(NamedTuple):
    """Difference between two networks.

    Args:
        largest: Largest absolute difference, of logits as a fraction of their range; NaN if an answer is no number.
        agreement: Fraction of the pixels with the same class; 1 for other tasks.
    """

    largest: float
    agreement: float


def check_equal(network: PlainNetwork, exported: OnnxNetwork, batches: Sequence[Tensor], path: Path) -> Difference:
    """Compares an exported network with the model.

    Args:
        network: The model's network.
        exported: The exported one.
        batches: What goes into them; see `triptych.export.examples`.
        path: What was to be written, for the error.

    Raises:
        ValueError: They differ by more than rounding.
    """
    try:
        difference = compare(network, exported, batches)
    except RuntimeError as error:
        raise ValueError(f"{path}: the exported network does not run, so nothing was written; {error}") from error
    if not (difference.largest <= TOLERANCE and difference.agreement >= AGREEMENT):
        raise ValueError(
            f"{path}: expected answers that differ by at most {TOLERANCE} from the model's and agree on "
            f"{AGREEMENT:.2%} of the pixels, got {difference.largest:.2g} and {difference.agreement:.2%}; the exported "
            f"network is not the model, so nothing was written. Another version of torch or onnxscript may help."
        )
    return difference


def compare(network: PlainNetwork, exported: OnnxNetwork, batches: Sequence[Tensor]) -> Difference:
    """The difference over some batches; see `check_equal`."""
    largest, same, pixels = [], 0, 0
    for batch in batches:
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
    if not largest:
        raise RuntimeError("the model itself answers none of the sizes that are compared.")
    return Difference(float(np.max(largest)), same / pixels if pixels else 1.0)


def _answer(network: PlainNetwork, batch: Tensor) -> npt.NDArray[np.float32] | None:
    """The model's answer; None if its encoder takes no image that small, as ConvNeXt without padding."""
    try:
        with torch.no_grad():
            return network(batch).numpy()  # type: ignore[no-any-return]
    except RuntimeError:
        return None
