"""What a model answers for an image or a text."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from triptych.draw.overlay import overlay
from triptych.draw.points import draw_points
from triptych.exported import Manifest
from triptych.images import GivenImage, given_pixels
from triptych.runtime.resizing import (
    Floats,
    Pixels,
    Size,
    resized_confidence,
    resized_ids,
    resized_probabilities,
)


class Result:
    """The answer of a model; each task has a class of its own.

    Args:
        manifest: Of the model.
        output: Output of the network, without N.
        given: The image or text.
        size: (height, width) of the image in pixels, or the number of tokens of the text.
    """

    gives: ClassVar[str]
    """What a result of this task has, in words."""

    def __init__(self, manifest: Manifest, output: Floats, given: Any, size: Any) -> None:
        self.manifest, self.output, self.given, self.size = manifest, output, given, size

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a {type(self).__name__} has no {name}; it has {self.gives}.")

    def _by_probability(self) -> dict[str, float]:
        """Probability of each name, the highest first, where the network gives probabilities."""
        order = np.argsort(-self.output, kind="stable")
        return {self.manifest.names[index]: float(self.output[index]) for index in order}


class ImageResult(Result):
    """The answer for an image, which is drawn on; a file is read again."""

    given: GivenImage
    size: Size

    def _rgb(self) -> Pixels:
        assert self.manifest.in_channels is not None
        return given_pixels(self.given, self.manifest.in_channels, self.manifest.scale)[..., :3]


class MaskResult(ImageResult):
    """A class for each pixel."""

    gives = "mask, confidence, probabilities and overlay()"

    @cached_property
    def mask(self) -> Pixels:
        """Class id of each pixel, uint8 (H, W)."""
        return resized_ids(self.output, self.size)

    @property
    def confidence(self) -> Floats:
        """Probability of the class of each pixel, float32 (H, W); computed when it is asked for."""
        return resized_confidence(self.output, self.size)

    @property
    def probabilities(self) -> Floats:
        """Probability of each class of each pixel, float32 (K, H, W); computed when it is asked for."""
        return resized_probabilities(self.output, self.size)

    def overlay(self) -> Image.Image:
        """The image overlaid with the colours of its classes, with a legend on its right."""
        colors = np.array(self.manifest.palette, np.uint8)
        return overlay(self._rgb(), self.mask, colors, self.manifest.names)


class PointResult(ImageResult):
    """The place of each point."""

    gives = "points and overlay()"

    @cached_property
    def points(self) -> Floats:
        """(y, x) of each point in pixels, float32 (P, 2), in the order of the manifest's `names`."""
        return np.asarray((self.output + 1) / 2 * np.array(self.size, np.float32), dtype=np.float32)

    def overlay(self) -> Image.Image:
        """The image with a cross on each point."""
        return draw_points(self._rgb(), self.points.tolist())


class TagResult(ImageResult):
    """The probability of each tag."""

    gives = "tags and probabilities"

    @property
    def tags(self) -> dict[str, float]:
        """Probability of each tag above its threshold (the manifest's `fixed`), the highest first."""
        assert self.manifest.thresholds is not None
        thresholds = np.array(self.manifest.thresholds["fixed"], np.float32)
        above = {self.manifest.names[index] for index in np.flatnonzero(self.output > thresholds)}
        return {name: probability for name, probability in self.probabilities.items() if name in above}

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each tag, the highest first."""
        return self._by_probability()


class CategoryResult(Result):
    """The category of a text."""

    gives = "category, probabilities and tokens"

    @property
    def category(self) -> str:
        """The most probable category."""
        return self.manifest.names[int(self.output.argmax())]

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each category, the highest first."""
        return self._by_probability()

    @property
    def tokens(self) -> int:
        """Number of tokens that the network has read."""
        return int(self.size)


RESULTS: dict[str, type[Result]] = {
    "mask": MaskResult,
    "point": PointResult,
    "labels": TagResult,
    "category": CategoryResult,
}
"""The class of the results of each task."""
