"""Memory: its peak, what control groups leave of it, and the errors when it is exhausted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from triptych.trainer import memory
from triptych.trainer.memory import free_memory, is_out_of_memory

CPU = torch.device("cpu")
AVAILABLE = 8_000_000_000
MB = 10**6


GROWTHS = """
import json
import torch
from triptych.trainer.cpu import keep_freed_memory
from triptych.trainer.memory import PeakMemory

keep_freed_memory()  # as a fit does: the trial of a batch must not count on what the one before it left
FIRST
measured = []
for size in (200_000_000, 50_000_000, 200_000_000, 50_000_000):
    peak = PeakMemory(torch.device("cpu"))
    before = peak.bytes()
    tensor = torch.ones(size // 4)
    measured.append((size, peak.grown(), peak.bytes() - before))
    del tensor
print(json.dumps(measured))
"""

FAILED_ALLOCATION = """
try:
    torch.empty(2**60)
except RuntimeError:
    pass  # glibc has turned to another heap, as a thread of its own has
"""


@pytest.mark.parametrize("first", ["", FAILED_ALLOCATION], ids=["heap of the process", "heap of a thread"])
def test_the_peak_grows_by_what_is_allocated_and_each_measurement_begins_anew(first: str) -> None:
    script = GROWTHS.replace("FIRST", first)
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for size, grown, over_peak in json.loads(process.stdout):
        assert grown == pytest.approx(size, rel=0.2)
        assert over_peak == pytest.approx(grown, abs=4 * MB)


def test_errors_of_the_allocators_are_known() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(2**60)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**56)
    cuda = (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB of which 1.2 is free."
    )
    assert all(
        map(is_out_of_memory, (of_torch.value, of_numpy.value, torch.OutOfMemoryError(cuda), RuntimeError(cuda)))
    )
    assert not any(map(is_out_of_memory, (RuntimeError("shapes differ"), ValueError(cuda), KeyboardInterrupt())))


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of the control groups; the system itself has `AVAILABLE` left."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable: {AVAILABLE // 1024} kB\n")
    for name, path in {"_MEMINFO": "meminfo", "_OWN_GROUPS": "cgroup", "_GROUPS": "groups"}.items():
        monkeypatch.setattr(memory, name, tmp_path / path)
    return tmp_path / "groups"


def own(groups: Path, line: str) -> None:
    """The content of /proc/self/cgroup."""
    groups.with_name("cgroup").write_text(f"7:name=systemd:/elsewhere\n{line}\n")


def group(folder: Path, version: int, limit: int | str, used: int, cached: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if version == 1 else ("memory.max", "memory.current")
    for name, value in zip(names, (limit, used), strict=True):
        (folder / name).write_text(f"{value}\n")
    key = "total_inactive_file" if version == 1 else "inactive_file"
    (folder / "memory.stat").write_text(f"anon {used - cached}\n{key} {cached}\n")


@pytest.mark.parametrize(("version", "line"), [(1, "4:cpu,memory:/slurm/job"), (2, "0::/slurm/job")])
def test_the_tightest_group_around_the_process_counts_and_its_cached_files_are_free(
    groups: Path, version: int, line: str
) -> None:
    root = groups / "memory" if version == 1 else groups
    own(groups, line)
    assert free_memory(CPU) == AVAILABLE // 1024 * 1024
    unlimited: int | str = 2**63 - 4096 if version == 1 else "max"
    group(root / "slurm" / "job", version, unlimited, used=500 * MB, cached=0)
    assert free_memory(CPU) == AVAILABLE // 1024 * 1024
    group(root / "slurm", version, 2000 * MB, used=900 * MB, cached=300 * MB)
    assert free_memory(CPU) == 1400 * MB
    group(root / "slurm" / "job", version, 1000 * MB, used=500 * MB, cached=0)
    assert free_memory(CPU) == 500 * MB


@pytest.mark.parametrize(("version", "line"), [(1, "4:memory:/docker/0123"), (2, "0::/docker/0123")])
def test_a_container_finds_its_own_group_at_the_root(groups: Path, version: int, line: str) -> None:
    own(groups, line)
    group(groups / "memory" if version == 1 else groups, version, 700 * MB, used=100 * MB, cached=0)
    assert free_memory(CPU) == 600 * MB


def test_a_system_that_does_not_tell_has_no_limit(groups: Path) -> None:
    assert free_memory(CPU) == AVAILABLE // 1024 * 1024  # without control groups
    groups.with_name("meminfo").unlink()
    assert free_memory(CPU) == math.inf
    assert free_memory(torch.device("mps")) == math.inf
