"""Freed memory is kept on Linux with glibc; elsewhere, or if the user says so, nothing happens."""

import subprocess
import sys

import pytest
import torch

from triptych.trainer.cpu import keep_freed_memory


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_keeping_freed_memory_fails_nowhere(monkeypatch, platform) -> None:
    monkeypatch.setattr("sys.platform", platform)
    keep_freed_memory()
    assert torch.zeros(2**20).sum() == 0


def test_keeping_freed_memory_does_nothing_with_another_c_library(monkeypatch) -> None:
    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", absent)
    monkeypatch.setattr("sys.platform", "linux")
    keep_freed_memory()


@pytest.mark.parametrize(("value", "calls"), [("0", 0), ("1", 2), (None, 2)])
def test_a_variable_lets_the_process_return_its_memory(monkeypatch, value, calls) -> None:
    called = []

    class Library:
        def __init__(self, name: str) -> None:
            self.mallopt = lambda *options: called.append(options)

    monkeypatch.setattr("ctypes.CDLL", Library)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("TRIPTYCH_KEEP_MEMORY", raising=False)
    if value is not None:
        monkeypatch.setenv("TRIPTYCH_KEEP_MEMORY", value)
    keep_freed_memory()
    assert len(called) == calls


IN_USE = """
from pathlib import Path
import torch
from triptych.trainer.cpu import return_large_memory

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

return_large_memory()
torch.ones(2**22)  # 16 MB: once they are freed, glibc takes smaller ones from the heap
before = megabytes()
pairs = [(torch.ones(2**20), torch.ones(100)) for _ in range(20)]  # 4 MB each
kept = [small for _, small in pairs]
del pairs
print(megabytes() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_large_arrays_are_returned_when_they_are_freed() -> None:
    left = subprocess.run([sys.executable, "-c", IN_USE], capture_output=True, text=True, check=True).stdout
    assert float(left) < 5
