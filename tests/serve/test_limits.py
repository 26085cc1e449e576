"""What a request may cost: bytes, time, and a place among those that wait."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.exceptions import HTTPException
from uploads import Start, encoded, refused, street

from triptych.serve.limits import Limits
from triptych.serve.workers import Workers

SMALL = Limits(upload_bytes=10_000)


class Slow:
    """A model that answers when it is let go."""

    def __init__(self, model: Any) -> None:
        self.model, self.manifest = model, model.manifest
        self.go, self.begun = threading.Event(), threading.Semaphore(0)

    def __call__(self, image: Any) -> Any:
        self.begun.release()
        assert self.go.wait(20)
        return self.model(image)


@pytest.fixture
def slow(models: dict[str, Any]) -> Iterator[Slow]:
    model = Slow(models["labels"])
    yield model
    model.go.set()


def test_a_declared_size_is_refused_before_anything_is_read(start: Start) -> None:
    def body() -> Iterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "10001"}
    sentence = refused(start(limits=SMALL).post("/predict", content=body(), headers=headers), 413)
    assert sentence == "expected at most 0.00954 MB, got more; send a smaller image."


def test_an_undeclared_size_is_refused_while_it_arrives(start: Start) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        for _ in range(1000):
            yield bytes(4096)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(start(limits=SMALL).post("/predict", content=body(), headers=headers), 413)


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (
            b"{}",
            "application/json",
            415,
            "Content-Type: expected multipart/form-data with the field image, got application/json.",
        ),
        (b"", "", 415, "Content-Type: expected multipart/form-data with the field image, got nothing."),
        (b"--x\r\n", "multipart/form-data", 400, "expected a form that can be read; Missing boundary in multipart."),
        (
            b"nonsense",
            "multipart/form-data; boundary=x",
            400,
            "expected a form that can be read; ",
        ),
    ],
)
def test_what_is_no_form_is_refused(start: Start, content: bytes, kind: str, status: int, words: str) -> None:
    assert refused(start().post("/predict", content=content, headers={"Content-Type": kind}), status).startswith(words)


def test_a_field_that_is_missing_is_named(start: Start) -> None:
    sentence = refused(start().post("/predict", files={"file": b"x"}, data={"name": "x"}), 400)
    assert sentence == "image: expected this field in the form, got name, file."


def test_a_form_with_many_parts_is_refused(start: Start) -> None:
    sentence = refused(start().post("/predict", files={f"file{i}": b"x" for i in range(9)}), 400)
    assert sentence == "expected a form that can be read; Too many files. Maximum number of files is 8."


def test_who_finds_no_place_is_told_to_come_back_and_no_request_that_has_one_is_lost() -> None:
    workers, go = Workers(Limits(threads=1, waiting=2)), threading.Event()

    async def upload() -> int:
        return 7

    def work(number: int) -> int:
        assert go.wait(20)
        return number

    async def requests() -> list[int]:
        taken = [asyncio.create_task(workers.answer(upload, work)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as caught:
            await workers.answer(upload, work)
        assert (caught.value.status_code, caught.value.headers) == (503, {"Retry-After": "1"})
        go.set()
        return [*await asyncio.gather(*taken), await workers.answer(upload, work)]

    assert asyncio.run(requests()) == [7] * 4
    workers.close()


def test_the_server_answers_others_while_its_threads_work(start: Start, slow: Slow) -> None:
    client = start("labels", slow, limits=Limits(threads=1))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/predict", files={"image": encoded(street())})
        slow.begun.acquire()
        assert client.get("/healthz").json() == {"status": "ok"}
        slow.go.set()
        assert answer.result().status_code == 200


def test_an_answer_that_takes_too_long_is_given_up_and_keeps_its_place_until_it_ends(start: Start, slow: Slow) -> None:
    client, image = start("labels", slow, limits=Limits(threads=1, waiting=0, seconds=0.2)), encoded(street())
    sentence = refused(client.post("/predict", files={"image": image}), 504)
    assert sentence == "expected an answer within 0.2 s, got none; send something smaller."
    refused(client.post("/predict", files={"image": image}), 503)
    slow.go.set()
    _until_free(client, image)


def _until_free(client: Any, image: bytes) -> None:
    statuses = []
    while not statuses or statuses[-1] != 200:
        time.sleep(0.02)
        statuses.append(client.post("/predict", files={"image": image}).status_code)
        assert len(statuses) < 100, statuses


def test_a_failure_of_the_server_says_nothing_of_its_inside(start: Start, models: dict[str, Any]) -> None:
    class Broken:
        manifest = models["labels"].manifest

        def __call__(self, image: np.ndarray) -> Any:
            raise RuntimeError("/secret/path")

    response = start("labels", Broken()).post("/predict", files={"image": encoded(street())})
    assert refused(response, 500) == "the server failed on this request; its own output says why."
