"""`triptych serve` in a process of its own: what it says, and how it ends."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from exported_models import write_exported
from uploads import encoded, street

from triptych.cli.serve import serve
from triptych.errors import BadSampleError, UsageError


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The folder of a model of tags."""
    return write_exported(tmp_path / "exported", "labels").folder


WITHOUT_TORCH = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that run in the background may have it ignored
sys.modules.update(dict.fromkeys(("torch", "lightning", "torchvision", "torchmetrics")))  # None: no import succeeds
from triptych.cli import main
main()
"""


@contextlib.contextmanager
def served(*args: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """A server without torch, and what it has printed by word; it is killed at the end if it still runs."""
    command = [sys.executable, "-c", WITHOUT_TORCH, "serve", *args, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [*iter(process.stdout.readline, "Ctrl-C ends it.\n")]
            yield process, dict(line.strip().split(": ", 1) for line in lines)
        finally:
            process.kill()


def test_it_says_what_it_serves_answers_and_ends_by_ctrl_c(exported: Path, tmp_path: Path) -> None:
    with served(str(exported), "--corrections", str(tmp_path / "corrected")) as (process, said):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", said["page"])
        assert said["model"] == "labels of made-up, none, 3 outputs, 24x32 pixels"
        assert said["scores"] == "accuracy 0.7500 on 4 samples (valid.txt)"
        assert said["corrections"] == f"{tmp_path / 'corrected'} (0 so far)"
        with httpx.Client(base_url=said["page"], timeout=20) as client:
            image = {"image": encoded(street())}
            assert client.post("predict", files=image).json()["task"] == "labels"
            assert client.post("corrections", files={**image, "label": b"[]"}).status_code == 201
            too_large = client.post("predict", files={"image": bytes(40 * 2**20)})  # more than sockets buffer
            assert too_large.status_code == 413
            assert client.get("healthz").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1:] == ["triptych: interrupted by SIGINT."]


def test_a_model_of_texts_is_served_without_torch(tmp_path: Path) -> None:
    folder = write_exported(tmp_path / "exported", "category").folder
    with served(str(folder)) as (_, said), httpx.Client(base_url=said["page"], timeout=20) as client:
        assert said["model"] == "category of made-up, awd-lstm, 2 outputs"
        assert client.post("predict", files={"text": b"a great film"}).json()["categories"][0]["name"] == "positive"


def test_on_another_address_the_page_has_a_token(exported: Path) -> None:
    with served(str(exported), "--host", "0.0.0.0") as (_, said):
        found = re.fullmatch(r"http://[^/]+:(\d+)/\?token=([\w-]{40,})", said["page"])
        assert found is not None
        with httpx.Client(base_url=f"http://127.0.0.1:{found[1]}", timeout=20) as client:
            assert client.get("/").status_code == 401
            assert client.get("/", params={"token": found[2]}).status_code == 200


def test_a_port_in_use_ends_in_one_line(exported: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = f"--port: expected a free port, but {port} of 127.0.0.1 is in use; take another, or 0 for any"
        with pytest.raises(UsageError, match=words):
            serve([str(exported), "--port", str(port)])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--port", "70000"], "--port: expected a number from 0 to 65535, got 70000."),
        (["--port", "web"], r"expected `triptych serve DIR .*`; argument --port: invalid int value: 'web'."),
        (
            ["--host", "no.such.host.invalid"],
            r"--host: expected an address of this machine, got 'no.such.host.invalid'",
        ),
        (["--host", "192.0.2.1"], r"--host, --port: cannot listen on 192.0.2.1, port 8000 \("),
        (["--tta", "{scales: [1]}"], r"--tta: expected flip, dihedral, or JSON, got '{scales: \[1\]}' \(Expecting"),
        (["--token", "short"], "--token: expected at least 16 letters, digits, - and _"),
    ],
)
def test_an_option_that_cannot_be_had_ends_in_one_line(exported: Path, args: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        serve([str(exported), *args])


def test_answers_are_averaged_over_views(exported: Path) -> None:
    with pytest.raises(ValueError, match=r"tta: expected .*, got 'turn'"):
        serve([str(exported), "--port", "0", "--tta", "turn"])


def test_a_model_that_has_changed_is_not_served(exported: Path) -> None:
    with (exported / "model.onnx").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BadSampleError, match=r"model\.onnx: expected the file that was exported"):
        serve([str(exported), "--port", "0"])
