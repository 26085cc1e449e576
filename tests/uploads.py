"""Images and texts as bytes, and what a test asks of a server."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

Start = Callable[..., TestClient]
"""Starts the server of a task; see the fixture `start`."""
TEXT = "What a GREAT film! The end is “fine”,\nbut:<br />it's a bit dull…"
"""A text that `exported_texts` takes for positive."""


def street(width: int = 40, height: int = 30) -> np.ndarray:
    """Sky above a road, uint8 (H, W, 3): the upper third is red, the rest green."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 3], image[height // 3 :] = (200, 10, 10), (0, 210, 100)
    return image


def encoded(pixels: np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def decoded(data: bytes) -> np.ndarray:
    """The pixels of a file; ids of a palette."""
    return np.array(Image.open(io.BytesIO(data)))


def given(task: str) -> dict[str, bytes]:
    """What a model of a task is given, by the name of its field."""
    return {"text": TEXT.encode()} if task == "category" else {"image": encoded(street())}


def refused(response: Any, status: int) -> str:
    """The sentence with which a request is refused."""
    assert response.status_code == status, response.text
    assert [*response.json()] == ["error"]
    sentence: str = response.json()["error"]
    assert "\n" not in sentence
    return sentence
