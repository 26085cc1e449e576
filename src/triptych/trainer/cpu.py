"""Memory of a process that it has freed: kept for a fast training, or returned to the system."""

import contextlib
import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # malloc.h
_LARGE_BYTES = 2**20
_NEVER = 2**31 - 1

_keeps = False  # whether freed memory is kept


def keep_freed_memory() -> None:
    """Makes this process reuse freed memory instead of returning it to the system (only on Linux with glibc).

    Otherwise the activations of large images are mapped and zeroed again in every step, which costs a U-Net at 384x480
    at least as much time as its arithmetic (`benchmarks/processor_step.py`). The process then keeps its peak memory
    until it ends; with the environment variable `TRIPTYCH_KEEP_MEMORY=0` this does nothing.
    """
    global _keeps
    if os.environ.get("TRIPTYCH_KEEP_MEMORY") != "0":
        _keeps = True
        _call("mallopt", _M_MMAP_MAX, 0)
        _call("mallopt", _M_TRIM_THRESHOLD, _NEVER)


def return_large_memory() -> None:
    """Makes this process return each array of a megabyte or more when it is freed (only on Linux with glibc).

    Otherwise those of up to 32 MB leave gaps: an EfficientNet with a U-Net takes 450 MB for 1024x1024 pixels, and
    360 MB like this, for a tenth of its time. After `keep_freed_memory` this does nothing.
    """
    _call("mallopt", _M_MMAP_THRESHOLD, _LARGE_BYTES)


def return_freed_memory() -> None:
    """Returns memory that this process has freed to the system (only on Linux with glibc).

    What other threads have freed last in heaps of their own stays.
    """
    _call("malloc_trim", 0)
    if _keeps:  # `malloc_trim` leaves the end of a thread's heap, which goes when the thread next frees 64 kB
        _call("mallopt", _M_TRIM_THRESHOLD, 0)
        bytearray(2**17)
        _call("mallopt", _M_TRIM_THRESHOLD, _NEVER)


def _call(name: str, *numbers: int) -> None:
    """Calls a function of glibc, if there is one."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # another C library
            getattr(ctypes.CDLL("libc.so.6"), name)(*numbers)
