"""Fast training on a CPU: freed memory that is kept."""

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Makes this process reuse freed memory instead of returning it to the system (only on Linux with glibc).

    Otherwise the activations of large images are mapped and zeroed again in every step, which costs a U-Net at 384x480
    at least as much time as its arithmetic (`benchmarks/processor_step.py`). The process then keeps its peak memory
    until it ends; with the environment variable `TRIPTYCH_KEEP_MEMORY=0` this does nothing.
    """
    if not sys.platform.startswith("linux") or os.environ.get("TRIPTYCH_KEEP_MEMORY") == "0":
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
