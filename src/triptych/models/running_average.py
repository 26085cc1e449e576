"""The exponential average of what is predicted from frame to frame."""

import torch
from torch import Tensor


class RunningAverage:
    """Averages values over time: `smooth` times the average before, plus `1 - smooth` times the new value.

    Args:
        smooth: Weight of what came before, in [0, 1); 0 leaves the values as they are.

    Raises:
        ValueError: `smooth` is out of its range.
    """

    def __init__(self, smooth: float) -> None:
        if not 0 <= smooth < 1:
            raise ValueError(f"smooth: expected a number from 0 up to, but without, 1, got {smooth:g}.")
        self.smooth = smooth
        self._average: Tensor | None = None

    def __call__(self, values: Tensor) -> Tensor:
        """The average after each of these values, which begins with the first value of all. Shape: (N, ...), as given.

        >>> RunningAverage(0.5)(torch.tensor([0.0, 1.0, 1.0])).tolist()
        [0.0, 0.5, 0.75]
        """
        averages = []
        for value in values:
            self._average = value if self._average is None else torch.lerp(value, self._average, self.smooth)
            averages.append(self._average)
        return torch.stack(averages)
