"""A smaller file of a network beside the float32 one: size, time and score."""

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.export.scoring import score_file
from triptych.export.session import OnnxNetwork
from triptych.tasks.base import TransferTask

_ROUNDS = 15
_SAME_TIME = 1.05
"""Ratio of two times that may be chance."""
_DECIMALS = 4
"""Of scores; a difference below them is none."""


class Measured(NamedTuple):
    """A file.

    Args:
        precision: Its precision.
        megabytes: Its size.
        seconds: Time for an image, the median of some rounds.
        scores: Its scores, the most important first; empty without data.
    """

    precision: str
    megabytes: float
    seconds: float
    scores: Mapping[str, float]


def compare_files(
    model: TransferTask, files: Mapping[str, Path], image: Tensor, data: TriptychDataModule | None
) -> list[Measured]:
    """Times files in turn, and scores them.

    Args:
        model: The model that was exported.
        files: The graphs by their precision.
        image: A batch of one image, uint8 (1, C, H, W), of the size of the validation.
        data: Data to score on, if there are any.
    """
    networks = {precision: OnnxNetwork(path, model.target) for precision, path in files.items()}
    pixels = np.ascontiguousarray(image.numpy())
    seconds = in_turn({precision: lambda n=network: n.run(pixels) for precision, network in networks.items()})  # type: ignore[misc]
    return [
        Measured(
            precision,
            path.stat().st_size / 1e6,
            seconds[precision],
            {} if data is None else score_file(model, path, data).values,
        )
        for precision, path in files.items()
    ]


def in_turn(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each call; they are called in turn, so that a busy machine slows all of them."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # allocates
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def comparison_line(exact: Measured, smaller: Measured, lower_is_better: bool) -> str:
    """Size, time and first score of both files, and plainly whether the smaller one is slower or worse."""
    ratio = smaller.seconds / exact.seconds
    pace = "slower here" if ratio > _SAME_TIME else "faster here" if ratio < 1 / _SAME_TIME else "as fast"
    verdict = "was not scored, as there are no data"
    for name, before in [*exact.scores.items()][:1]:
        gain = round(smaller.scores[name] - before, _DECIMALS) * (-1 if lower_is_better else 1)
        verdict = "scores worse" if gain < 0 else "scores no worse"
    return (
        f"{_shown(smaller)}; {_shown(exact)}: {smaller.precision} is {pace}, {ratio:.2f} times the time, and {verdict}."
    )


def _shown(one: Measured) -> str:
    first = "".join(f", {name} {value:.{_DECIMALS}f}" for name, value in [*one.scores.items()][:1])
    return f"{one.precision} {one.megabytes:.1f} MB, {1000 * one.seconds:.0f} ms an image{first}"
