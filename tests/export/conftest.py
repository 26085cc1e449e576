"""A small run of each task, exported once a session."""

from typing import NamedTuple

import pytest
from command_line import Run, finished_fit
from export_folder import ENCODER

from triptych import export_model
from triptych.exported import ExportedFolder

DATA = {"camvid": "drawn_streets", "biwi": "drawn_portraits", "planet": "drawn_tiles"}
_MODEL = ["--model.encoder", ENCODER, "--model.encoder_weights", "null", "--trainer.max_epochs", "1"]


class Export(NamedTuple):
    """A run and its exported folder; read-only."""

    run: Run
    exported: ExportedFolder


@pytest.fixture(scope="session", params=DATA)
def export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The export of each task in turn."""
    return _exported(request.param, request, tmp_path_factory)


@pytest.fixture(scope="session")
def streets_export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """The export of a segmenter."""
    return _exported("camvid", request, tmp_path_factory)


_EXPORTS: dict[str, Export] = {}


def _exported(task: str, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Export:
    if task not in _EXPORTS:
        run = finished_fit(task, request.getfixturevalue(DATA[task]), folders.mktemp(task), *_MODEL)
        _EXPORTS[task] = Export(run, ExportedFolder(export_model(run.folder)))
    return _EXPORTS[task]
