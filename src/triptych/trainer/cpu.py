"""What makes training on a processor fast, beside channels-last memory."""

import ctypes
import sys
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Lets this process use freed memory again instead of returning it to the system (Linux with glibc; else nothing).

    Activations of large pictures are otherwise mapped and zeroed anew in every step, which costs a U-Net at 384x480 as
    much time as its arithmetic, and more (`benchmarks/processor_step.py`).
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
    """`precision`, or with a word the next best where bfloat16 would not be fast.

    Args:
        precision: Of a Trainer, such as `"bf16-mixed"`.
        accelerator: Of the same Trainer.
    """
    if precision != "bf16-mixed":
        return precision
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        fast, instead = torch.cuda.is_bf16_supported(including_emulation=False), "16-mixed"
    else:
        known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        fast, instead = any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")), "32-true"
    if fast:
        return precision
    rank_zero_info(f"precision: {precision} is not fast on this machine, going on with {instead}.")
    return instead
