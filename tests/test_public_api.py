"""What `import triptych` offers, and that it is quiet about it."""

import os
import subprocess
import sys

import pytest

import triptych

OFFLINE = """
import runpy, socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("asked the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import triptych, triptych.cli, triptych.synthetic
sys.argv = ["triptych", "--help"]
runpy.run_module("triptych", run_name="__main__")
"""


def test_all_names_are_there_and_have_a_docstring() -> None:
    assert set(triptych.__all__) >= {"CamVidDataModule", "UNetSegmenter", "VoidMaskedAccuracy"}
    assert all(getattr(triptych, name).__doc__ for name in triptych.__all__)


@pytest.mark.slow
def test_import_and_help_ask_no_network_and_print_the_subcommands_alone() -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}  # otherwise a line says whether the machine is busy
    done = subprocess.run([sys.executable, "-c", OFFLINE], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: triptych ")
    assert "{fit,validate,test,predict,lr-find,recipe}" in done.stdout
    assert "`triptych make-data {camvid" in " ".join(done.stdout.split())
