"""Images with points, as records whose pixels can be kept."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triptych.datasets.sample import Pixels, Record
from triptych.images import Scale, read_rgb


class PointRecords:
    """Images, each with its points; a subclass finds them. See `PixelRecords`.

    Attributes:
        paths: Path of each image.
        points_px: The points of each as (x, y) in pixels, (2,) or (P, 2); NaN for a missing one.
        scale: How images of more than 8 bits are read; see `read_rgb`.
    """

    paths: list[Path]
    points_px: Any
    scale: Scale | None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Record:
        """Reads one image.

        Returns:
            `image` uint8 (H, W, 3) RGB, `keypoints` float64 (P, 2) as (x, y) in pixels, NaN if missing, and its `path`.

        Raises:
            BadSampleError: The image cannot be decoded.
        """
        return self.with_pixels(index, self.pixels(index))

    @property
    def reading(self) -> dict[str, Any]:
        """What the pixels depend on besides the file; see `PixelRecords`."""
        return {"scale": self.scale}

    def files(self, index: int) -> tuple[Path]:
        """The image."""
        return (self.paths[index],)

    def pixels(self, index: int) -> Pixels:
        """The image; see `__getitem__`."""
        return (read_rgb(self.paths[index], self.scale),)

    def with_pixels(self, index: int, pixels: Pixels) -> Record:
        """The record of these pixels; see `__getitem__`."""
        points: npt.NDArray[np.float64] = np.atleast_2d(self.points_px[index])
        return {"image": pixels[0], "keypoints": points, "path": str(self.paths[index])}
