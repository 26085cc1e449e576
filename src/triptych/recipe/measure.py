"""Measures what a stage costs: its time, from a few of its steps."""

import math
import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import lightning as L
import torch

WARM_UP, TIMED, TIMED_VALIDATION = 3, 8, 4
"""Training batches before the timing starts, timed training batches, and timed validation batches."""


class Stopwatch(L.Callback):
    """Times training batches, and then forward passes on a few validation batches.

    Attributes after the fit: `start` (seconds from construction to the first batch), `train_batches` and `val_batches`
    (number per epoch), `train_batch` and `val_batch` (seconds per batch).

    Args:
        micro_batches: Number of loaded batches that count as one.
    """

    def __init__(self, micro_batches: int = 1) -> None:
        self.created, self.micro_batches = time.perf_counter(), micro_batches
        self.times: list[float] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.perf_counter() - self.created
        self.train_batches = math.ceil(trainer.num_training_batches / self.micro_batches)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.times.append(time.perf_counter())

    def on_train_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        self.train_batch = self.micro_batches * _median_interval(self.times[min(WARM_UP, len(self.times) - 2) :])
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        loader = data.val_dataloader()
        self.val_batches = math.ceil(len(loader) / self.micro_batches)
        pl_module.eval()
        times = []
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            for batch, _ in zip(loader, range(TIMED_VALIDATION + 1), strict=False):
                pl_module(batch[pl_module.input].to(pl_module.device))
                times.append(time.perf_counter())
        self.val_batch = self.micro_batches * _median_interval(times) if len(times) > 1 else self.train_batch


def _median_interval(times: Sequence[float]) -> float:
    """Median of the seconds between consecutive times, of which there are at least two."""
    return median(after - before for before, after in pairwise(times))
