"""Smaller files of a network: float16, or 8-bit integers after a calibration."""

import contextlib
import copy
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from triptych.datasets.pictures import Pictures
from triptych.export.examples import image_example
from triptych.export.graph import PlainNetwork, write_graph
from triptych.images import Scale
from triptych.tasks.inputs import read_image
from triptych.transforms import evaluation_pipeline


def write_half(network: PlainNetwork, in_channels: int, path: Path) -> None:
    """Writes a network whose weights are float16 and that computes in it; input and output stay as they are."""
    half = PlainNetwork(copy.deepcopy(network.network).half(), network.target).eval()
    write_graph(half, image_example(in_channels), path)


def write_int8(source: Path, path: Path, images: "Calibration") -> None:
    """Writes a graph whose weights and activations are 8-bit integers.

    Weights have a scale for each channel, and activations the range that they take for the images.

    Args:
        source: The float32 graph.
        path: The file to write.
        images: The calibration.
    """
    with tempfile.TemporaryDirectory() as folder, _no_log():
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            images,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


class Calibration(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime comes without types
    """The images of a folder as the model gets them, one at a time.

    Args:
        folder: The folder, with its subfolders.
        image_size: (height, width) to which they are resized.
        in_channels: Channels of the model.
        scale: How images of more than 8 bits are read.

    Raises:
        MissingDataError: It does not exist or has no images.
    """

    def __init__(self, folder: Path, image_size: tuple[int, int], in_channels: int, scale: Scale | None) -> None:
        paths: Sequence[Path] = Pictures(folder, scale).paths
        self._batches = (calibration_image(path, image_size, in_channels, scale) for path in paths)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch}


def calibration_image(
    path: Path, image_size: tuple[int, int], in_channels: int, scale: Scale | None
) -> npt.NDArray[np.uint8]:
    """The image of a file, resized as for validation. Shape: (1, C, H, W)."""
    pixels = read_image(path, in_channels, scale).permute(1, 2, 0).numpy()
    resized = evaluation_pipeline(image_size)(image=pixels)["image"]
    return np.ascontiguousarray(resized.transpose(2, 0, 1)[None])


@contextlib.contextmanager
def _no_log() -> Iterator[None]:
    """Silences the advice of onnxruntime's quantisation, which it gives to the root logger."""
    before = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(before)
