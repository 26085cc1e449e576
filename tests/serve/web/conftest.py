"""The page of each task's model, and a browser to use it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from browser import FOUND
from exported_models import write_exported
from page_user import PageUser, Visit
from playwright.sync_api import Browser, sync_playwright

from triptych.exported import ExportedFolder
from triptych.serve.page import page_html

_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, with a camera that shows a test image."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox", *_CAMERA])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens pages, each in a window of its own."""
    with ExitStack() as stack:

        def visited(address: str, **look: Any) -> PageUser:
            user = PageUser(browser, address, **look)
            stack.callback(user.close)
            return user

        yield visited


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportedFolder]:
    """The exported model of each task; see `write_exported`."""
    root = tmp_path_factory.mktemp("exported")
    return {task: write_exported(root / task, task) for task in ("mask", "point", "labels", "category")}


@pytest.fixture(scope="session")
def pages(exported: dict[str, ExportedFolder], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address of the page in one file of each task."""
    folder = tmp_path_factory.mktemp("pages")
    for task, model in exported.items():
        folder.joinpath(f"{task}.html").write_text(page_html(model, offline=True, corrections=True), encoding="utf-8")
    return {task: (folder / f"{task}.html").as_uri() for task in exported}
