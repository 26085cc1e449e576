"""How many optimizer steps fit into a time."""

import math
import time
from collections import deque
from statistics import fmean

_RECENT = 50
"""Steps over which the duration of a step is averaged, so that it follows a machine that gets busier."""
_LEAST = 1e-6


class StepTimes:
    """Times the optimizer steps of a fit, and the pauses between its epochs, most of which are validations.

    The first step is not counted, since it waits for the data workers to start.
    """

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=_RECENT)
        self._pauses: list[float] = []
        self._last: tuple[float, int] | None = None

    def add(self, epoch: int) -> None:
        """Counts the step that has just ended.

        Args:
            epoch: Index of its epoch.
        """
        now = time.monotonic()
        if self._last is not None:
            before, last_epoch = self._last
            if epoch == last_epoch or not self._steps:
                self._steps.append(max(_LEAST, now - before))
            else:
                self._pauses.append(max(0.0, now - before - fmean(self._steps)))
        self._last = now, epoch

    def fit(self, seconds: float, left_in_epoch: float, per_epoch: float) -> float:
        """Number of steps that fit into `seconds`; infinite as long as no step was timed.

        Args:
            seconds: The time; 0 or less if it is over.
            left_in_epoch: Number of steps to the next pause; infinite if an epoch has no end.
            per_epoch: Number of steps between two pauses.
        """
        if seconds <= 0 or not self._steps:
            return 0 if seconds <= 0 else math.inf
        step, pause = fmean(self._steps), fmean(self._pauses or [0.0])
        if seconds <= left_in_epoch * step:
            return seconds / step
        epochs, rest = divmod(seconds - left_in_epoch * step - pause, per_epoch * step + pause)
        return left_in_epoch + max(0.0, epochs * per_epoch + min(per_epoch, rest / step))
