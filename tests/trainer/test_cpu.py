"""Freed memory is kept on Linux with glibc; elsewhere, or if the user says so, nothing happens."""

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
