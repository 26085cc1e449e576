"""A clock that only training and validating moves, so that a test of a time limit does not wait."""

from typing import Any

import lightning as L
import pytest

_PLACES = ("lightning.pytorch.callbacks.timer", "triptych.trainer.step_times")


class Clock(L.Callback):
    """Stands for the module `time` where a fit looks at the time; as a callback of the fit it moves on.

    Args:
        patch: Puts the clock in place.
        step: Seconds of a training batch.
        validation: Seconds of a validation.
        places: More modules to put it in.
    """

    def __init__(self, patch: pytest.MonkeyPatch, step: float, validation: float = 0.0, places: Any = ()) -> None:
        self.now, self.step, self.validation, self.validations = 1000.0, step, validation, 0
        for place in (*_PLACES, *places):
            patch.setattr(f"{place}.time", self)

    def monotonic(self) -> float:
        return self.now

    def on_train_batch_start(self, *_: Any) -> None:
        self.now += self.step

    def on_validation_start(self, *_: Any) -> None:
        self.now += self.validation
        self.validations += 1
