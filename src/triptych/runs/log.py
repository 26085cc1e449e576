"""What a run has logged, read back from its folder: curves, hyper-parameters, and a recipe's stages."""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
from lightning.pytorch.core.saving import load_hparams_from_yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from triptych.runs.folder import own_folder
from triptych.runs.layout import RunLayout, stage_key

_SIZES = {"scalars": 0, "images": 1}
"""How many values of a name TensorBoard's reader keeps: 0 is all of them."""


class Series(NamedTuple):
    """What was logged under one name: rising `steps`, and a value for each."""

    steps: list[int]
    values: list[float]


class StageStart(NamedTuple):
    """A stage of a recipe and its first step on the axis of the whole run."""

    name: str
    first_step: int


@dataclass(frozen=True)
class RunLog:
    """The log of a run.

    Args:
        folder: The run's folder.
        series: All numbers, by the name under which they were logged, such as `train/loss`.
        hyper_parameters: Of the model, as the run began; empty where none were logged.
        stages: Those of a recipe that have begun; empty for a single fit.
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
    """Reads TensorBoard's files of a run, whole or still growing.

    What a killed process had logged beyond the point from which the run went on is left out.

    Args:
        run: The run's folder, or a Trainer that has fitted and logs into one.

    Raises:
        FileNotFoundError: There are no such files in the folder.
    """
    folder = Path((own_folder(run) or run.default_root_dir) if isinstance(run, L.Trainer) else run)
    layout = RunLayout(folder)
    if not layout.events():
        raise FileNotFoundError(
            f"{folder}: expected the folder of a run with TensorBoard's logs in it (events.out.tfevents.*), found none."
        )
    events = EventAccumulator(str(folder), size_guidance=_SIZES)
    with _no_talk():
        events.Reload()
    series = {name: _series(events.Scalars(name)) for name in events.Tags()["scalars"]}
    return RunLog(folder, series, _hyper_parameters(layout.hparams), _stages(layout.recipe))


def _series(events: Sequence[Any]) -> Series:
    """The values in the order of their steps; where a step was logged again, the run had gone on from before it."""
    kept: list[Any] = []
    for event in events:
        while kept and kept[-1].step >= event.step:
            kept.pop()
        kept.append(event)
    return Series([event.step for event in kept], [event.value for event in kept])


def _hyper_parameters(path: Path) -> dict[str, Any]:
    return dict(load_hparams_from_yaml(path, use_omegaconf=False) or {}) if path.is_file() else {}


def _stages(path: Path) -> list[StageStart]:
    if not path.is_file():
        return []
    saved = json.loads(path.read_text(encoding="utf-8"))
    stages, first_step = [], 0
    for number, plan in enumerate(saved["plans"], start=1):
        stage = plan["stage"]
        if stage_key(number, stage["name"]) in saved["max_lr"]:
            stages.append(StageStart(stage["name"], first_step))
        first_step += plan["steps"] * stage["epochs"]
    return stages


@contextlib.contextmanager
def _no_talk() -> Iterator[None]:
    """TensorBoard warns of each step that is left out as expired, which is what it is asked to do."""
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
