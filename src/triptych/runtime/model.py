"""An exported model that answers for images or texts."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, overload

from triptych.exported import ExportedFolder, Manifest
from triptych.exported.network import Network, open_network
from triptych.images import GivenImage
from triptych.runtime.inputs import Inputs, inputs_of
from triptych.runtime.results import RESULTS, Result
from triptych.runtime.tta import averaging
from triptych.views import TTAChoice


class Model:
    """An exported model. Several threads may call it at once.

    Args:
        manifest: What is known about it.
        network: Its network.
        inputs: What it answers for.
    """

    def __init__(self, manifest: Manifest, network: Network, inputs: Inputs) -> None:
        self.manifest, self.network, self.inputs = manifest, network, inputs

    @overload
    def __call__(self, given: list[Any] | tuple[Any, ...]) -> list[Result]: ...

    @overload
    def __call__(self, given: GivenImage) -> Result: ...

    def __call__(self, given: GivenImage | list[Any] | tuple[Any, ...]) -> Result | list[Result]:
        """What `triptych predict` writes: `MaskResult`, `PointResult`, `TagResult` or `CategoryResult`.

        Args:
            given: For a model of images the path of a file, a PIL image, an array uint8 (H, W, C), RGB first, or a
                list of them; each is resized to the manifest's `image_size` for the network. For a model of texts a
                text, or a list of them.

        Returns:
            A result, whose masks and points are those of the image in its own size; a list for a list.

        Raises:
            ValueError: An image or text has another form than the model takes.
            MissingDataError: A file does not exist.
            ImportError: A text is given, and spaCy is not installed.
        """
        if isinstance(given, (list, tuple)):
            return list(self.results(given))
        (result,) = self.results([given])
        return result

    def results(self, given: Iterable[GivenImage]) -> Iterator[Result]:
        """One result after another, for more images or texts than fit into memory; see `__call__`."""
        kind = RESULTS[self.manifest.task]
        for batch in self.inputs.batches(given):
            outputs = self.network(self.inputs.stacked(batch))
            for one, output in zip(batch, outputs, strict=True):
                yield kind(self.manifest, output, one.given, one.size)


def load(folder: str | Path, tta: TTAChoice = None) -> Model:
    """Loads a model that `triptych export` wrote.

    Args:
        folder: Its folder.
        tta: Views of an image over which answers are averaged, such as `flip`; see `triptych.views.TTAChoice`.

    Raises:
        FileNotFoundError: The folder or a file of it does not exist.
        BadSampleError: A file has changed since the export, or is no network that onnxruntime runs.
        ImportError: onnxruntime is not installed.
        ValueError: `tta` is unknown, or of a model of texts, or nothing says which points change places in a mirrored
            image.
    """
    exported = ExportedFolder(folder)
    manifest = exported.read(exported.onnx)
    network = averaging(open_network(exported.onnx), manifest, tta)
    return Model(manifest, network, inputs_of(exported, manifest))
