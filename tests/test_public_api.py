"""What `import triptych` offers, and that it is quiet about it."""

import subprocess
import sys

import pytest

import triptych

OFFLINE_IMPORT = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("asked the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import triptych, triptych.cli, triptych.synthetic
"""


def test_all_names_are_there_and_have_a_docstring() -> None:
    assert set(triptych.__all__) >= {"CamVidDataModule", "UNetSegmenter", "VoidMaskedAccuracy"}
    assert all(getattr(triptych, name).__doc__ for name in triptych.__all__)


def run_python(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_import_asks_no_network_and_prints_nothing() -> None:
    done = run_python("-c", OFFLINE_IMPORT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_help_lists_the_subcommands_and_make_data() -> None:
    done = run_python("-m", "triptych", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: triptych ")
    assert "{fit,validate,test,predict,lr-find,recipe}" in done.stdout
    assert "`triptych make-data {camvid" in " ".join(done.stdout.split())
