"""Memory of a training: its peak, what is free for it, and the errors when that is not enough."""

import contextlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from lightning.pytorch.utilities.memory import is_oom_error

from triptych.trainer.cpu import return_freed_memory

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MEMINFO, _OWN_GROUPS, _GROUPS = Path("/proc/meminfo"), Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_OF_GROUP = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}
"""By the version of control groups: files of limit and usage, and the key of reclaimable memory in `memory.stat`."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory of a GPU or of the CPU is exhausted."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or is_oom_error(error)


class PeakMemory:
    """Peak memory since construction: of the GPU, or else of this process without its workers.

    On systems other than Linux an earlier peak cannot be reset, so it counts from the start of the process; on Windows
    it is 0.

    Args:
        device: The device whose memory counts; None takes the GPU if there is one.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.on_gpu = torch.cuda.is_available() if device is None else device.type == "cuda"
        if self.on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        elif sys.platform.startswith("linux"):
            return_freed_memory()
            with contextlib.suppress(OSError):
                _CLEAR.write_text("5")  # proc(5): resets the peak
        self.at_first = self._in_use()

    def bytes(self) -> int:
        """The peak in bytes."""
        if self.on_gpu:
            return torch.cuda.max_memory_allocated()
        if _STATUS.exists():
            return _kilobytes(_STATUS, "VmHWM")
        if sys.platform == "win32":
            return 0
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak

    def grown(self) -> int:
        """Bytes by which the peak exceeds what was in use at construction."""
        return self.bytes() - self.at_first

    def _in_use(self) -> int:
        """Bytes in use now; where only peaks are known, the peak."""
        if self.on_gpu:
            return torch.cuda.memory_allocated()
        return _kilobytes(_STATUS, "VmRSS") if _STATUS.exists() else self.bytes()


def free_memory(device: torch.device) -> float:
    """Free memory in bytes: of the GPU, or what the system and control groups leave to this process.

    It is infinite on systems that do not tell: other than Linux, and devices other than CUDA and CPU.
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu" or not _MEMINFO.exists():
        return math.inf
    return min(_kilobytes(_MEMINFO, "MemAvailable"), *_left_by_groups(), math.inf)


def _kilobytes(path: Path, key: str) -> int:
    """A value of a file in /proc, in bytes."""
    return 1024 * next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(f"{key}:"))


def _left_by_groups() -> Iterator[float]:
    """Bytes that each control group around this process leaves to it; a container is such a group."""
    lines = _OWN_GROUPS.read_text().splitlines() if _OWN_GROUPS.exists() else []
    for number, controllers, path in (line.split(":", 2) for line in lines):
        version = 2 if number == "0" else 1
        if version == 2 or "memory" in controllers.split(","):
            root = _GROUPS if version == 2 else _GROUPS / "memory"
            group = root / path.lstrip("/")
            # in a container, the path may be that of the system outside; its root is then the group itself
            for folder in (group, *(parent for parent in group.parents if parent.is_relative_to(root))):
                with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                    yield _left_by(folder, *_OF_GROUP[version])


def _left_by(folder: Path, limit: str, usage: str, reclaimable: str) -> float:
    stat = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    cached = next((int(value) for key, value in stat if key == reclaimable), 0)
    return int((folder / limit).read_text()) - int((folder / usage).read_text()) + cached
