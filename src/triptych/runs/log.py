"""The log of a run, read from its folder: curves, hyper-parameters, and a recipe's stages."""

import contextlib
import csv
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from triptych.files import as_path
from triptych.runs.folder import own_folder
from triptych.runs.layout import RunLayout, stage_key
from triptych.runs.plain_yaml import read_yaml

_SIZES = {"scalars": 0, "images": 1}
"""Maximum number of values per name that TensorBoard's reader keeps; 0 keeps all."""


class Series(NamedTuple):
    """The values logged under one name: increasing `steps`, and a value for each."""

    steps: list[int]
    values: list[float]


class _Event(NamedTuple):
    """A value as TensorBoard's reader returns it."""

    step: int
    value: float


class StageStart(NamedTuple):
    """Name of a recipe's stage, and its first step on the axis of the whole run."""

    name: str
    first_step: int


@dataclass(frozen=True)
class RunLog:
    """The log of a run.

    Args:
        folder: The run folder.
        series: All logged scalars, by name, such as `train/loss`.
        hyper_parameters: The model's at the start of the run; empty if none were logged.
        stages: The stages of a recipe that have started; empty for a single fit.
    """

    folder: Path
    series: dict[str, Series]
    hyper_parameters: dict[str, Any]
    stages: list[StageStart]

    @property
    def name(self) -> str:
        """The last two parts of the folder's path, such as `camvid/version_0`."""
        return "/".join(self.folder.absolute().parts[-2:])


def read_run(run: str | Path | L.Trainer) -> RunLog:
    """Reads the logs of a run, finished or still running: TensorBoard's files, and the `metrics.csv` of a CSVLogger.

    Values that a killed process logged after the checkpoint from which the run was resumed are left out.

    Args:
        run: The run folder, or a Trainer after a fit that logged into one.

    Raises:
        FileNotFoundError: The folder has neither.
    """
    folder = own_folder(run) if isinstance(run, L.Trainer) else as_path(run)
    layout = RunLayout(folder)
    if not layout.events() and not layout.metrics.is_file():
        raise FileNotFoundError(
            f"{folder}: expected the folder of a run with TensorBoard's logs (events.out.tfevents.*) or a CSVLogger's "
            f"{layout.metrics.name} in it, found none."
        )
    series = {name: _series(events) for name, events in {**_metrics(layout), **_scalars(layout)}.items()}
    hyper_parameters = read_yaml(layout.hparams) if layout.hparams.is_file() else {}
    return RunLog(folder, series, hyper_parameters, _stages(layout.recipe))


def _scalars(layout: RunLayout) -> dict[str, list[Any]]:
    """What TensorBoard's files hold, by name; empty if there are none."""
    if not layout.events():
        return {}
    events = EventAccumulator(str(layout.folder), size_guidance=_SIZES)
    with _no_warnings():
        events.Reload()
    return {name: events.Scalars(name) for name in events.Tags()["scalars"]}


def _metrics(layout: RunLayout) -> dict[str, list[_Event]]:
    """What a CSVLogger's file holds, by name; empty if there is none."""
    if not layout.metrics.is_file():
        return {}
    lines = layout.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
    by_name: dict[str, list[_Event]] = {}
    for row in csv.DictReader(line for line in lines if line.endswith("\n")):  # the last one may be cut off
        step = int(row.pop("step"))
        for name, value in row.items():
            if value:
                by_name.setdefault(name, []).append(_Event(step, float(value)))
    return by_name


def _series(events: Sequence[Any]) -> Series:
    """The values in the order of their steps; if a step was logged again, the run was resumed from before it."""
    kept: list[Any] = []
    for event in events:
        while kept and kept[-1].step >= event.step:
            kept.pop()
        kept.append(event)
    return Series([event.step for event in kept], [event.value for event in kept])


def _stages(path: Path) -> list[StageStart]:
    if not path.is_file():
        return []
    saved = json.loads(path.read_text(encoding="utf-8"))
    taken = [result.get("steps") for result in saved.get("done", ())]  # release 0.1.0 saved none
    stages, first_step = [], 0
    for number, (plan, steps) in enumerate(zip_longest(saved["plans"], taken), start=1):
        stage = plan["stage"]
        if stage_key(number, stage["name"]) in saved["max_lr"]:
            stages.append(StageStart(stage["name"], first_step))
        first_step += plan["steps"] * stage["epochs"] if steps is None else steps
    return stages


@contextlib.contextmanager
def _no_warnings() -> Iterator[None]:
    """Silences TensorBoard's warning about each step that a resumed run replaced, which is expected."""
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
