"""What a pipeline does to a large image before it draws anything, so that it can be done once and kept."""

from typing import NamedTuple

import albumentations as A
import cv2
import numpy as np
import numpy.typing as npt

from triptych.transforms.geometry import LessonGeometry
from triptych.transforms.presets import Pipeline


class Shrinking(NamedTuple):
    """Averages an image down that is more than twice as high or wide as the result of a pipeline.

    The pipeline gives the same pixels for the image before and after. `size` is (height, width) of its result;
    `wholly` tells that it resizes to that and does nothing else, so that an image may be made as small.
    """

    size: tuple[int, int]
    wholly: bool

    def shrunk(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of what becomes of an image of a size."""
        twice = 2 * self.size[0], 2 * self.size[1]
        if height <= twice[0] and width <= twice[1]:
            return height, width
        return self.size if self.wholly else (min(height, twice[0]), min(width, twice[1]))

    def __call__(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The image (H, W, C), averaged down if need be."""
        height, width = self.shrunk(*image.shape[:2])
        if (height, width) == image.shape[:2]:
            return image
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def shrinking_of(pipeline: Pipeline) -> Shrinking | None:
    """How large images may be shrunk for a pipeline; None if its own pixels must be those of the file."""
    first = pipeline.transforms[0] if pipeline.transforms else None
    if isinstance(first, LessonGeometry) and first.p >= 1:
        return Shrinking((first.size[0], first.size[1]), wholly=False)
    if isinstance(first, A.Resize) and first.area_for_downscale is not None and first.p >= 1:
        return Shrinking((first.height, first.width), wholly=True)
    return None
