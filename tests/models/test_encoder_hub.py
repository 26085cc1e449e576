"""Weights and pixel statistics come from the Hugging Face hub, played by a server on this machine."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save

from triptych.models import UNet
from triptych.models.encoder import build_encoder

STATS = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
SCRIPT = """
import sys, torch
from triptych.models import UNet
torch.save(UNet(3, "resnet18", "imagenet", 3).state_dict(), sys.argv[1])
try:
    UNet(3, "resnet34", "imagenet", 3)
except ConnectionError as error:
    print(error)
"""


class Hub(BaseHTTPRequestHandler):
    """Has resnet18's repository and no other."""

    files: dict[str, bytes]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        found = re.fullmatch(r"/smp-hub/resnet18\.imagenet/resolve/(\w+)/(.+)", self.path)
        body = self.files[found[2]] if found else b""
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", found[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keeps the test's output short."""


@pytest.fixture
def hub() -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Address of the hub, and the weights it has."""
    weights = smp.encoders.get_encoder("resnet18", weights=None).state_dict()
    Hub.files = {"config.json": json.dumps(STATS).encode(), "model.safetensors": save(weights)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", weights
    server.shutdown()
    server.server_close()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub, and what is cached in `tmp_path` alone."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.slow
def test_weights_and_pixel_statistics_come_from_the_hub_and_then_from_its_cache(hub, offline, tmp_path: Path) -> None:
    address, weights = hub
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        **{"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub")},
        **{"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"},
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "net.pt")],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == not_fetched("resnet34", "imagenet") + "\n"

    for state in (torch.load(tmp_path / "net.pt", weights_only=True), UNet(3, "resnet18", "imagenet", 3).state_dict()):
        for name, values in STATS.items():
            torch.testing.assert_close(state[name].flatten() / 255, torch.tensor(values))
        for name, tensor in weights.items():
            assert torch.equal(state[f"encoder.{name}"], tensor)


@pytest.mark.parametrize(
    ("encoder", "weights"), [("resnet18", "imagenet"), ("resnet18", "swsl"), ("mit_b0", "imagenet")]
)
def test_a_hub_out_of_reach_is_reported_in_one_line(offline, encoder, weights) -> None:
    with pytest.raises(ConnectionError, match="encoder") as caught:
        build_encoder(encoder, weights, 3)
    assert str(caught.value) == not_fetched(encoder, weights)


def not_fetched(encoder: str, weights: str) -> str:
    return (
        f"encoder {encoder!r}: its weights {weights!r} could not be fetched from the hub; check the network, give "
        "encoder_weights the path of a state dict, or leave it null for random weights."
    )
