"""bfloat16 falls back to another precision if it is not fast, and a line says so; other precisions stay."""

import pytest
import torch

from triptych.trainer import cpu
from triptych.trainer.cpu import keep_freed_memory, usable_precision


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that would be printed."""
    words: list[str] = []
    monkeypatch.setattr(cpu, "rank_zero_info", words.append)
    return words


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def cpu_can(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


@pytest.mark.parametrize("capability", ["avx512_bf16", "amx_bf16", "bf16"])
@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
def test_bfloat16_stays_where_the_cpu_has_it(monkeypatch, no_cuda, printed, accelerator, capability) -> None:
    cpu_can(monkeypatch, avx2=True, **{capability: True})
    assert usable_precision("bf16-mixed", accelerator) == "bf16-mixed"
    assert printed == []


@pytest.mark.parametrize("accelerator", ["auto", "cpu", "gpu"])
def test_bfloat16_gives_way_to_float32_on_a_cpu_without_it(monkeypatch, no_cuda, printed, accelerator) -> None:
    cpu_can(monkeypatch, avx2=True, avx512_bf16=False, amx_bf16=False)
    assert usable_precision("bf16-mixed", accelerator) == "32-true"
    assert printed == ["precision: bf16-mixed is not fast on this machine, using 32-true."]


def test_a_torch_without_capabilities_counts_as_a_cpu_without_it(monkeypatch, no_cuda, printed) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert usable_precision("bf16-mixed", "cpu") == "32-true"
    assert len(printed) == 1


@pytest.mark.parametrize(("fast", "expected"), [(True, "bf16-mixed"), (False, "16-mixed")])
@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
def test_a_gpu_is_asked_if_there_is_one(monkeypatch, printed, accelerator, fast, expected) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: fast and not including_emulation)
    cpu_can(monkeypatch)
    assert usable_precision("bf16-mixed", accelerator) == expected
    assert printed == ([] if fast else ["precision: bf16-mixed is not fast on this machine, using 16-mixed."])


@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-true", "64", 32, None])
def test_other_precisions_are_left_alone(monkeypatch, no_cuda, printed, precision) -> None:
    cpu_can(monkeypatch)
    assert usable_precision(precision, "auto") is precision
    assert printed == []


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
