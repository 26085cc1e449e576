"""What the workers of `peers.py` train, and what they say to it: networks, images, stages, turns and scores."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

LITE = "timm-tf_efficientnet_lite0"
ENDLESS = 10_000
"""Epochs of a training that goes on for as many turns as are asked for."""


@dataclass(frozen=True)
class Task:
    """What is trained, and the score that ends it.

    Args:
        image_size: (height, width) in pixels.
        batch_size: Images per step.
        split: Argument of the data module that holds out the validation images.
        score: Name of a score of the task.
        goal: Value that it must reach; it must fall to it if it is an error.
        stages: Of each the first layer group that trains, the epochs, and the peak rates of first and last group.
    """

    image_size: tuple[int, int]
    batch_size: int
    split: Mapping[str, Any]
    score: str
    goal: float
    stages: Sequence[tuple[int, int, tuple[float, float]]]

    def reached(self, score: float) -> bool:
        return score <= self.goal if self.score == "mse" else score >= self.goal


@dataclass(frozen=True)
class Row:
    """A network on the images of a task; with `first` -1 only its head is trained."""

    task: str
    encoder: str = LITE
    first: int = 0


TASKS = {
    "camvid": Task(
        (192, 256),
        8,
        {"valid_list": "valid.txt"},
        "void_masked_accuracy",
        0.85,
        [(-1, 1, (3e-3, 3e-3)), (0, 4, (2e-4, 2e-3))],
    ),
    "biwi": Task(
        (120, 160),
        32,
        {"valid_person": "13"},
        "mse",
        0.01,
        [(-1, 1, (3e-3, 3e-3)), (0, 3, (3e-4, 3e-3))],
    ),
    "planet": Task(
        (128, 128),
        32,
        {"valid_fraction": 0.2},
        "f2",
        0.92,
        [(-1, 2, (1e-2, 1e-2)), (0, 8, (1e-3, 1e-2))],
    ),
}
ROWS = {
    "resnet34": Row("camvid", encoder="resnet34"),
    "camvid": Row("camvid"),
    "biwi": Row("biwi"),
    "planet": Row("planet"),
    "camvid-head": Row("camvid", first=-1),
    "biwi-head": Row("biwi", first=-1),
    "planet-head": Row("planet", first=-1),
}


class Watch:
    """Says to the driver what a training does; one JSON object per line.

    Args:
        out: Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self.out, self.start = out, time.perf_counter()

    def say(self, **content: Any) -> None:
        print(json.dumps(content), file=self.out, flush=True)

    def ready(self, precision: str) -> None:
        """Called before the first step."""
        self.say(precision=precision)

    def step(self, images: int) -> None:
        """Called after each step."""


class Turns(Watch):
    """Makes the training wait for its next turn, in seconds, and says how many images it took."""

    def ready(self, precision: str) -> None:
        super().ready(precision)
        self._wait()

    def step(self, images: int) -> None:
        self.images += images
        elapsed = time.perf_counter() - self.start
        if elapsed >= self.seconds:
            self.say(rate=self.images / elapsed)
            self._wait()

    def _wait(self) -> None:
        request = sys.stdin.readline()
        if not request:
            os._exit(0)  # the driver has closed the pipe; libraries would catch an exception
        self.seconds, self.images, self.start = float(request), 0, time.perf_counter()


class Scores(Watch):
    """Says the score of each validation, and the seconds of training before it."""

    def pause(self) -> None:
        """Called when a validation begins."""
        self.paused = time.perf_counter()

    def scored(self, score: float) -> None:
        """Called when it ends."""
        self.say(score=score, seconds=self.paused - self.start)
        self.start += time.perf_counter() - self.paused


class Job:
    """What a worker is to do, as the driver's argument says.

    Args:
        text: A JSON object with `row`, `root`, `what`, `seed`, and the variant's settings.
    """

    def __init__(self, text: str) -> None:
        request = json.loads(text)
        self.row, self.root, self.seed = ROWS[request["row"]], request["root"], request["seed"]
        self.scores: bool = request["what"] == "score"
        self.settings: dict[str, Any] = request["settings"]
        self.task = TASKS[self.row.task]
        self._out, sys.stdout = sys.stdout, sys.stderr  # libraries print too

    @property
    def stages(self) -> Sequence[tuple[int, int, tuple[float, float]]]:
        """Those of the task; to measure speed a single one without end."""
        return self.task.stages if self.scores else [(self.row.first, ENDLESS, (1e-3, 1e-3))]

    def watch(self) -> Any:
        """The time counts from here."""
        return Scores(self._out) if self.scores else Turns(self._out)
