"""Measures what a stage costs: its time, from a few of its steps."""

import math
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import lightning as L
from lightning.fabric.utilities.data import sized_len

WARM_UP, TIMED, TIMED_VALIDATION = 3, 8, 4
"""Training batches before the timing starts, timed training batches, and timed validation batches."""


class Stopwatch(L.Callback):
    """Times training batches, and then a few batches of a validation.

    Attributes after the fit: `start` (seconds from construction to the first batch), `train_batches` and `val_batches`
    (number per epoch), `train_batch` and `val_batch` (seconds per batch).

    Args:
        steps: Number of optimizer steps of the fit.
        micro_batches: Number of loaded batches that count as one.
    """

    def __init__(self, steps: int, micro_batches: int = 1) -> None:
        self.created, self.steps, self.micro_batches = time.perf_counter(), steps, micro_batches
        self.times: list[float] = []
        self.val_times: list[float] = []

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        trainer.check_val_every_n_epoch = sys.maxsize  # until the last step

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.perf_counter() - self.created
        self.train_batches = math.ceil(trainer.num_training_batches / self.micro_batches)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.times.append(time.perf_counter())
        if trainer.global_step >= self.steps:
            trainer.check_val_every_n_epoch, trainer.should_stop = 1, True  # so that a validation follows

    def on_validation_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        self.val_times.append(time.perf_counter())

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.train_batch = self.micro_batches * _median_interval(self.times[min(WARM_UP, len(self.times) - 2) :])
        loaders = trainer.fit_loop.epoch_loop.val_loop._combined_loader
        batches = 0 if loaders is None else sum(sized_len(loader) or 0 for loader in loaders.flattened)
        self.val_batches = math.ceil(batches / self.micro_batches)
        few = len(self.val_times) < 2
        self.val_batch = self.train_batch if few else self.micro_batches * _median_interval(self.val_times)


def _median_interval(times: Sequence[float]) -> float:
    """Median of the seconds between consecutive times, of which there are at least two."""
    return median(after - before for before, after in pairwise(times))
