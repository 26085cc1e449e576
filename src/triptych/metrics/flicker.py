"""How much a segmentation flickers where a video hardly changes."""

import math

from torch import Tensor

STILL = 8
"""Most by which a channel of a pixel changes, of 255, from one frame to the next, if the pixel counts as still."""


class Flicker:
    """Fraction of the still pixels whose class changes from one frame to the next.

    A pixel is still if none of its channels changes by more than `STILL`: the noise of a camera is below it, a moving
    edge above. Pixels are counted over all pairs of neighbouring frames.
    """

    def __init__(self) -> None:
        self.changed = self.still = 0
        self._before: tuple[Tensor, Tensor] | None = None

    def update(self, image: Tensor, ids: Tensor) -> None:
        """Counts the next frame. Shape: image uint8 (C, H, W); ids (H, W), the class of each pixel."""
        if self._before is not None:
            image_before, ids_before = self._before
            is_still = ((image.short() - image_before.short()).abs() <= STILL).all(dim=0)
            self.still += int(is_still.sum())
            self.changed += int((is_still & (ids != ids_before)).sum())
        self._before = image, ids

    def compute(self) -> float:
        """The fraction, in [0, 1]; NaN if no pixel was still."""
        return self.changed / self.still if self.still else math.nan
