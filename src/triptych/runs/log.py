"""The log of a run, read from its folder: curves, hyper-parameters, and a recipe's stages."""

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
"""Maximum number of values per name that TensorBoard's reader keeps; 0 keeps all."""


class Series(NamedTuple):
    """The values logged under one name: increasing `steps`, and a value for each."""

    steps: list[int]
    values: list[float]


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
    """Reads TensorBoard's files of a run, finished or still running.

    Values that a killed process logged after the checkpoint from which the run was resumed are left out.

    Args:
        run: The run folder, or a Trainer after a fit that logged into one.

    Raises:
        FileNotFoundError: The folder has no such files.
    """
    folder = own_folder(run) if isinstance(run, L.Trainer) else Path(run)
    layout = RunLayout(folder)
    if not layout.events():
        raise FileNotFoundError(
            f"{folder}: expected the folder of a run with TensorBoard's logs in it (events.out.tfevents.*), found none."
        )
    events = EventAccumulator(str(folder), size_guidance=_SIZES)
    with _no_warnings():
        events.Reload()
    series = {name: _series(events.Scalars(name)) for name in events.Tags()["scalars"]}
    return RunLog(folder, series, _hyper_parameters(layout.hparams), _stages(layout.recipe))


def _series(events: Sequence[Any]) -> Series:
    """The values in the order of their steps; if a step was logged again, the run was resumed from before it."""
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
def _no_warnings() -> Iterator[None]:
    """Silences TensorBoard's warning about each step that a resumed run replaced, which is expected."""
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
