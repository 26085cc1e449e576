"""Fast training on a CPU: memory that is kept, and a precision that the CPU supports."""

import ctypes
import sys
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Makes this process reuse freed memory instead of returning it to the system (only on Linux with glibc).

    Otherwise the activations of large images are mapped and zeroed again in every step, which costs a U-Net at 384x480
    at least as much time as its arithmetic (`benchmarks/processor_step.py`).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)


def usable_precision(precision: Any, accelerator: str) -> Any:
    """`precision`; if it is bfloat16 and not fast here, prints a line and returns the next best.

    Args:
        precision: Precision of a Trainer, such as `"bf16-mixed"`.
        accelerator: Accelerator of the same Trainer.
    """
    if precision != "bf16-mixed":
        return precision
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        is_fast, fallback = torch.cuda.is_bf16_supported(including_emulation=False), "16-mixed"
    else:
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        is_fast, fallback = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")), "32-true"
    if is_fast:
        return precision
    rank_zero_info(f"precision: {precision} is not fast on this machine, using {fallback}.")
    return fallback
