"""One-cycle: the learning rate rises, then falls to nearly zero, and momentum does the opposite.

Sources: Smith, "Super-convergence", 2018; fastai's `fit_one_cycle`, its formulas and their constants.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Version = Literal["fastai1", "fastai2"]
"""Versions of fastai, whose cycles differ a little."""
_DIV = 25.0
"""The rate starts at peak / _DIV."""
_DIV_FINAL: dict[Version, float] = {"fastai1": _DIV * 1e4, "fastai2": 1e5}
"""The rate ends at peak / _DIV_FINAL."""
MOMENTUMS = (0.95, 0.85, 0.95)
"""Momentum at the start, at the peak of the rate, and at the end."""


class OneCycle(LRScheduler):
    """One-cycle schedule of each group, up to its own peak rate; stepped after each step of the optimizer.

    Step k of n is taken at position k / n of the cycle; after the last step the cycle stays at its end.

    `plan` reschedules the rest of the cycle if the number of steps turns out to be different. A state that is loaded
    holds how far the cycle is; peaks, `pct_start` and `version` stay those of the constructor.

    Unlike torch's OneCycleLR it can be rescheduled, starts where fastai's does for any `pct_start`, and is not one step
    ahead.

    Args:
        optimizer: The optimizer, whose groups hold their peak rates as `lr`.
        total_steps: Optimizer steps of the whole fit, at least 1; a first guess if `plan` follows.
        pct_start: Fraction of the steps in which the rate rises, in (0, 1).
        version: `"fastai2"` ends at peak / 1e5; `"fastai1"`, the course's, at peak / 2.5e5, and rises in a whole number
            of steps, rounded down. Their defaults of `pct_start` are 0.25 and 0.3.

    Raises:
        ValueError: `total_steps` or `pct_start` is out of range, or `version` is unknown.
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: float = 1, pct_start: float = 0.25, version: Version = "fastai2"
    ) -> None:
        if not 1 <= total_steps < math.inf:
            raise ValueError(
                f"one-cycle: expected a finite number of steps above 0, got {total_steps}; set max_epochs or max_steps."
            )
        if not 0 < pct_start < 1:
            raise ValueError(f"pct_start: expected a fraction between 0 and 1, got {pct_start}.")
        if version not in get_args(Version):
            raise ValueError(f"one_cycle: expected one of {', '.join(get_args(Version))}, got {version!r}.")
        self.total_steps, self.pct_start, self.version = int(total_steps), pct_start, version
        self.planned_at, self.planned_from = 0, 0.0
        self.first_plan = self.total_steps
        self.skipped = 0
        super().__init__(optimizer)

    @property
    def position(self) -> float:
        """Fraction of the cycle that is done, in [0, 1]."""
        steps = self.total_steps - self.planned_at
        done = min(self.last_epoch - self.planned_at, steps)
        return self.planned_from + (1 - self.planned_from) * done / steps

    @property
    def peak_at(self) -> float:
        """Fraction of the cycle at which the rates reach their peaks; replanning leaves it where it is."""
        rising = int(self.first_plan * self.pct_start)
        return rising / self.first_plan if self.version == "fastai1" and rising else self.pct_start

    def skip(self) -> None:
        """Counts a step that the optimizer did not take; the cycle stays where it is."""
        self.skipped += 1

    def get_lr(self) -> list[Any]:
        """Rate of each group at this position; also sets the momentum."""
        position, peak_at = self.position, self.peak_at
        for group in self.optimizer.param_groups:
            group["betas"] = (_up_and_down(*MOMENTUMS, peak_at, position), *group["betas"][1:])
        return [rate_at(position, float(peak), peak_at, self.version) for peak in self.base_lrs]

    def plan(self, steps_left: int) -> None:
        """Spreads the rest of the cycle over the steps that are left; a finished cycle is followed by a new one.

        The rate continues from its last value. Nothing changes if that many steps were left already.

        Args:
            steps_left: Optimizer steps to the end of the fit, at least 1.
        """
        planned = self.total_steps - self.last_epoch
        if planned - self.skipped <= steps_left <= planned:  # steps that were skipped are not caught up
            return
        self.planned_from = self.position if self.position < 1 else 0.0
        self.planned_at, self.total_steps = self.last_epoch, self.last_epoch + steps_left
        if self.planned_from == 0:
            self.first_plan = steps_left
        self._apply()

    def set_peaks(self, peaks: Sequence[float]) -> None:
        """Sets the peak rate of each group; the cycle stays where it is."""
        if list(peaks) != self.base_lrs:
            self.base_lrs = list(peaks)
            self._apply()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        own = {name: getattr(self, name) for name in ("base_lrs", "pct_start", "version")}
        super().load_state_dict({**state_dict, **own})
        saved = {"version": "fastai2", **state_dict}  # the only one before it had a name
        if own != {name: saved[name] for name in own}:
            self._apply()

    def _apply(self) -> None:
        """Gives each group its rate at this position."""
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate


def rate_at(position: float, peak: float, peak_at: float = 0.25, version: Version = "fastai2") -> float:
    """The rate at a position of a cycle.

    Args:
        position: In [0, 1].
        peak: The highest rate.
        peak_at: Position of the peak, in (0, 1).
        version: See `OneCycle`.
    """
    return _up_and_down(peak / _DIV, peak, peak / _DIV_FINAL[version], peak_at, position)


def _up_and_down(start: float, middle: float, end: float, pct: float, position: float) -> float:
    """Half a cosine from `start` to `middle`, which is reached at `pct`, and another one to `end`."""
    if position < pct:
        return _cosine(start, middle, position / pct)
    return _cosine(middle, end, (position - pct) / (1 - pct))


def _cosine(start: float, end: float, position: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * position)) / 2
