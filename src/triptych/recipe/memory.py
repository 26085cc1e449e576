"""How much memory a stage takes at its peak."""

import contextlib
import ctypes
import sys
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """The peak since it was made: of the first GPU where there is one, or else of this process without its workers.

    Where the system cannot forget an earlier peak (not Linux), it is that since the process began, and on Windows 0.
    """

    def __init__(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        elif sys.platform.startswith("linux"):
            with contextlib.suppress(OSError, AttributeError):
                ctypes.CDLL("libc.so.6").malloc_trim(0)
                _CLEAR.write_text("5")  # proc(5): resets the peak

    def bytes(self) -> int:
        """The peak in bytes."""
        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
        if _STATUS.exists():
            kilobytes = next(line.split()[1] for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
            return 1024 * int(kilobytes)
        if sys.platform == "win32":
            return 0
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
