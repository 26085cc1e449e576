"""Steps that fit into a time, against counting on one's fingers: a step takes 1 s, a pause between epochs 10 s."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from triptych.trainer.step_times import StepTimes


class Ends:
    """Stands for the module `time`; each look at it is the end of the next step."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds: Iterator[float] = iter(seconds)

    def monotonic(self) -> float:
        return next(self.seconds)


def timed(monkeypatch: pytest.MonkeyPatch, ends: list[float], epochs: list[int]) -> StepTimes:
    monkeypatch.setattr("triptych.trainer.step_times.time", Ends(ends))
    times = StepTimes()
    for epoch in epochs:
        times.add(epoch)
    return times


@pytest.mark.parametrize(
    ("seconds", "left", "steps"),
    [
        (0, 4, 0),
        (-3, 4, 0),
        (3.5, 4, 3.5),
        (4, 4, 4),
        (4 + 9, 4, 4),
        (4 + 10 + 2, 4, 6),
        (4 + 10 + 5 + 9, 4, 9),
        (4 + 10 + 5 + 10 + 1, 4, 10),
        (9, 0, 0),
        (10.5, 0, 0.5),
        (1000, math.inf, 1000),
    ],
)
def test_steps_and_pauses_fit_into_the_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, left: float, steps: float
) -> None:
    times = timed(monkeypatch, [100, 101, 102, 113, 114, 125], [0, 0, 0, 1, 1, 2])
    assert times.fit(seconds, left, math.inf if left == math.inf else 5) == pytest.approx(steps)


@pytest.mark.parametrize(("ends", "expected"), [([], math.inf), ([130], math.inf), ([130, 132], 5)])
def test_first_step_is_not_counted(monkeypatch: pytest.MonkeyPatch, ends: Any, expected: float) -> None:
    times = timed(monkeypatch, ends, [0] * len(ends))
    assert times.fit(10, 100, 100) == expected
    assert times.fit(0, 100, 100) == 0


def test_duration_of_a_step_follows_a_machine_that_gets_busier(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [float(end) for end in range(200)]
    ends += [ends[-1] + 4 * number for number in range(1, 61)]
    assert timed(monkeypatch, ends, [0] * len(ends)).fit(40, 100, 100) == pytest.approx(10)
