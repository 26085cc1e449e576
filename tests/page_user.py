"""Uses the page of a model in a browser, as a person does."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

SECONDS = 30_000
"""Longest time for an answer, in milliseconds: the first one starts the network."""


class PageUser:
    """A page that was opened in a window of its own.

    Args:
        browser: The browser.
        address: Of the page.
        look: Arguments of the window, such as `color_scheme`.
    """

    def __init__(self, browser: Browser, address: str, **look: Any) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, **look})
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address)

    def at(self, selector: str) -> Locator:
        """An element."""
        return self.page.locator(selector)

    def give(self, name: str, content: bytes, mime: str = "image/png") -> str:
        """Chooses an image and waits for the answer; returns what the page says then."""
        self.at("#file").set_input_files({"name": name, "mimeType": mime, "buffer": content})
        return self._answered()

    def write(self, text: str) -> str:
        """Writes a text and waits for the answer; returns what the page says then."""
        self.at("#text").fill(text)
        self.at("#ask").click()
        return self._answered()

    def _answered(self) -> str:
        self.at("#wrong:enabled").wait_for(timeout=SECONDS, state="attached")
        return self.said

    @property
    def said(self) -> str:
        """The line below the image."""
        return self.at("#status").inner_text()

    def place(self, y: float, x: float) -> tuple[float, float]:
        """Where a fraction of the image is in the window."""
        box = self.at("#frame").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, *places: tuple[float, float]) -> None:
        """Drags from place to place; each (y, x) is a fraction of the image."""
        mouse = self.page.mouse
        mouse.move(*self.place(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.place(*place), steps=4)
        mouse.up()

    def save(self) -> dict[str, bytes]:
        """Saves a correction as a zip file, and returns the content of its files."""
        with self.page.expect_download() as download:
            self.at("#save").click()
        self.at("#giving").wait_for()
        archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}

    def close(self) -> None:
        """Closes the window; a script of the page must not have failed."""
        self.context.close()
        assert not self.errors


Visit = Callable[..., PageUser]
"""Opens a page; see the fixture `visit`."""
