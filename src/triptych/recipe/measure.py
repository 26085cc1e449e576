"""Measures what a stage costs: its time, from a few of its steps, and its peak memory."""

import contextlib
import ctypes
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import lightning as L
import torch

WARM_UP, TIMED, TIMED_VALIDATION = 3, 8, 4
"""Training batches before the timing starts, timed training batches, and timed validation batches."""

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Stopwatch(L.Callback):
    """Times training batches, and then forward passes on a few validation batches.

    Attributes after the fit: `start` (seconds from construction to the first batch), `train_batches` and `val_batches`
    (number per epoch), `train_batch` and `val_batch` (seconds per batch).
    """

    def __init__(self) -> None:
        self.created = time.perf_counter()
        self.times: list[float] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.perf_counter() - self.created
        self.train_batches = int(trainer.num_training_batches)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.times.append(time.perf_counter())

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.train_batch = _median_interval(self.times[min(WARM_UP, len(self.times) - 2) :])
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        loader = data.val_dataloader()
        self.val_batches = len(loader)
        pl_module.eval()
        times = []
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            for batch, _ in zip(loader, range(TIMED_VALIDATION + 1), strict=False):
                pl_module(batch["image"].to(pl_module.device))
                times.append(time.perf_counter())
        self.val_batch = _median_interval(times) if len(times) > 1 else self.train_batch


def _median_interval(times: Sequence[float]) -> float:
    """Median of the seconds between consecutive times, of which there are at least two."""
    return median(after - before for before, after in pairwise(times))


class PeakMemory:
    """Peak memory since construction: of the GPU if there is one, else of this process without its workers.

    On systems other than Linux an earlier peak cannot be reset, so it counts from the start of the process; on Windows
    it is 0.
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
