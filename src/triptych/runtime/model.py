"""An exported model that answers for images."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from triptych.exported import ExportedFolder, Manifest
from triptych.exported.network import Network, open_network
from triptych.images import GivenImage, given_pixels
from triptych.runtime.resizing import Pixels, Size, resized_image
from triptych.runtime.results import RESULTS, Result
from triptych.runtime.tta import averaging
from triptych.views import TTAChoice

_BATCH_PIXELS = 2**18
"""Pixels that go through the network together: more are not faster on a CPU, but need more memory."""


class _Prepared(NamedTuple):
    """An image as it was given, its (height, width) in pixels, and its pixels in the size of the network."""

    image: GivenImage
    size: Size
    pixels: Pixels


class Model:
    """An exported model. Several threads may call it at once.

    Args:
        manifest: What is known about it.
        network: Its network.
    """

    def __init__(self, manifest: Manifest, network: Network) -> None:
        self.manifest, self.network = manifest, network
        height, width = manifest.image_size
        self._batch_size = max(1, _BATCH_PIXELS // (height * width))

    @overload
    def __call__(self, images: list[Any] | tuple[Any, ...]) -> list[Result]: ...

    @overload
    def __call__(self, images: GivenImage) -> Result: ...

    def __call__(self, images: GivenImage | list[Any] | tuple[Any, ...]) -> Result | list[Result]:
        """What `triptych predict` writes for images: `MaskResult`, `PointResult` or `TagResult`.

        Args:
            images: The path of a file, a PIL image, an array uint8 (H, W, C), RGB first, or a list of them. Each is
                resized to the manifest's `image_size` for the network.

        Returns:
            A result, whose masks and points are those of the image in its own size; a list for a list.

        Raises:
            ValueError: An image has another form than the model takes.
            MissingDataError: A file does not exist.
        """
        if isinstance(images, (list, tuple)):
            return list(self.results(images))
        (result,) = self.results([images])
        return result

    def results(self, images: Iterable[GivenImage]) -> Iterator[Result]:
        """One result after another, for more images than fit into memory; see `__call__`."""
        kind, remaining = RESULTS[self.manifest.task], iter(images)
        while batch := [self._prepared(image) for image in islice(remaining, self._batch_size)]:
            outputs = self.network(np.stack([one.pixels.transpose(2, 0, 1) for one in batch]))
            for one, output in zip(batch, outputs, strict=True):
                yield kind(self.manifest, output, one.image, one.size)

    def _prepared(self, image: GivenImage) -> _Prepared:
        pixels = given_pixels(image, self.manifest.in_channels, self.manifest.scale)
        height, width = pixels.shape[:2]
        return _Prepared(image, (height, width), resized_image(pixels, self.manifest.image_size))


def load(folder: str | Path, tta: TTAChoice = None) -> Model:
    """Loads a model that `triptych export` wrote.

    Args:
        folder: Its folder.
        tta: Views of an image over which answers are averaged, such as `flip`; see `triptych.views.TTAChoice`.

    Raises:
        FileNotFoundError: The folder or a file of it does not exist.
        BadSampleError: A file has changed since the export, or is no network that onnxruntime runs.
        ImportError: onnxruntime is not installed.
        ValueError: `tta` is unknown, or nothing says which points change places in a mirrored image.
    """
    exported = ExportedFolder(folder)
    manifest = exported.read(exported.onnx)
    return Model(manifest, averaging(open_network(exported.onnx), manifest, tta))
