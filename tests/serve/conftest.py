"""A server of each task, called in this process."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from exported_models import write_exported
from starlette.testclient import TestClient
from uploads import Start

from triptych.runtime import load
from triptych.serve.app import build_app
from triptych.serve.corrections import Corrections

PAGE = "<!doctype html><title>a page</title><script>let shown = 1;</script>"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The exported model of each task; see `write_exported`."""
    root = tmp_path_factory.mktemp("exported")
    return {task: load(write_exported(root / task, task).folder) for task in ("mask", "point", "labels", "category")}


@pytest.fixture
def start(models: dict[str, Any], tmp_path: Path) -> Iterator[Start]:
    """Starts the server of a task; corrections go to `tmp_path / "corrected"`."""
    with ExitStack() as stack:

        def started(task: str = "mask", model: Any = None, **options: Any) -> TestClient:
            model = model or models[task]
            app = build_app(model, PAGE, Corrections(tmp_path / "corrected", model.manifest), **options)
            return stack.enter_context(TestClient(app, "http://127.0.0.1:8000", raise_server_exceptions=False))

        yield started
