"""The largest batch that fits into free memory, found by a few steps that are undone."""

import math
from collections.abc import Mapping
from typing import Any

import lightning as L
from lightning.pytorch.utilities.memory import garbage_collection_cuda

from triptych.errors import MemoryLimitError
from triptych.trainer.memory import PeakMemory, free_memory, is_out_of_memory
from triptych.trainer.processes import gathered, say
from triptych.trainer.settings import settings_of
from triptych.trainer.temporary_fit import temporary_fit

_STEPS = 2
"""Optimizer steps of a trial; from the second one on, the optimizer has its state."""
_USABLE = {"cpu": 0.8, "cuda": 0.9}
"""Fraction of the free memory that a batch may take; on a CPU the workers hold batches too."""
_NO_VARIANCE = "Expected more than 1 value per channel"
"""Error of torch's batch-norm for a batch of one sample whose features have no height and width left."""


def halves(batch_size: int) -> list[int]:
    """`batch_size` and its halves, largest first: each divides it and is at most half of the one before; 1 is the last.

    >>> halves(12)
    [12, 6, 3, 1]
    """
    sizes = [batch_size]
    while sizes[-1] > 1:
        sizes.append(next(size for size in range(sizes[-1] // 2, 0, -1) if batch_size % size == 0))
    return sizes


def largest_batch(
    settings: L.Trainer | Mapping[str, Any], model: L.LightningModule, datamodule: Any, batch_size: int
) -> int:
    """The largest of `batch_size` and its halves that fits into free memory; one line says which.

    From the smallest on, each is tried for two optimizer steps and a validation batch, as long as it fits. Where an
    error cannot be caught, since the system would kill the process or other processes would wait for it, a batch is not
    tried if it would not fit with the memory per sample of the one before. All processes get the same result.

    Args:
        settings: See `temporary_fit`.
        model: The model, which is restored.
        datamodule: The data; their `batch_size` is restored.
        batch_size: Samples per batch, at least 1.

    Raises:
        MemoryLimitError: The smallest does not fit, or one of several processes ran out of memory.
    """
    arguments = {**settings_of(settings), "accumulate_grad_batches": 1}
    given, best = datamodule.batch_size, None
    try:
        for size in reversed(halves(batch_size)):
            if best is not None and not best.admits(size):
                break
            datamodule.batch_size = size
            trial = _Trial(size)
            if not _trains(arguments, model, datamodule, trial):
                continue
            if not trial.fits(trial.needed):
                break
            best = trial
    finally:
        datamodule.batch_size = given
    if best is None:
        raise MemoryLimitError(
            "batch_size: expected free memory for a small batch, got none; take smaller images, a smaller encoder or "
            "a precision of 16 bits."
        )
    say(best.describe(batch_size))
    return best.size


def _trains(arguments: Mapping[str, Any], model: L.LightningModule, datamodule: Any, trial: "_Trial") -> bool:
    """Runs a trial; False if the model cannot train on so small a batch."""
    try:
        temporary_fit(arguments, model, datamodule, trial, _STEPS, limit_val_batches=1)
        return True
    except (RuntimeError, ValueError, MemoryError) as error:
        if isinstance(error, ValueError) and _NO_VARIANCE in str(error):
            return False
        if not is_out_of_memory(error):
            raise
        if not trial.is_alone:
            raise MemoryLimitError(
                f"batch_size: one of {trial.processes} processes ran out of memory with {trial.size} at once; give a "
                "number instead of auto."
            ) from error
    garbage_collection_cuda()  # when the error no longer holds the tensors of its frames
    return True


class _Trial(L.Callback):
    """Measures the memory that training needs: of a few steps, and of a validation batch after them.

    Args:
        size: Samples per batch.

    Attributes after the fit: `needed` (bytes, infinite if there were not enough) and `free` (bytes before it); of
    several processes, the most and the least.
    """

    def __init__(self, size: int) -> None:
        self.size, self.needed = size, math.inf

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self.device, self.processes = trainer.strategy.root_device, trainer.world_size
        self.peak = PeakMemory(self.device)
        sharing = trainer.num_devices if self.device.type == "cpu" else 1
        self.free = min(gathered(free_memory(self.device) / sharing))

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        trainer.should_stop = trainer.global_step >= _STEPS  # so that a validation follows

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.needed = max(gathered(self.peak.grown()))

    @property
    def is_alone(self) -> bool:
        """Whether no other process would wait for this one after an error."""
        return self.processes == 1

    def fits(self, needed: float) -> bool:
        return bool(needed < _USABLE.get(self.device.type, 1.0) * self.free)

    def admits(self, size: int) -> bool:
        """Whether a larger batch may be tried."""
        is_caught = self.is_alone and self.device.type == "cuda"
        return is_caught or self.fits(self.needed * size / self.size)

    def describe(self, batch_size: int) -> str:
        times = batch_size // self.size
        accumulated = f", accumulated {times} times to {batch_size}" if times > 1 else ""
        memory = f" ({self.needed / 1e9:.1f} of {self.free / 1e9:.1f} GB free)" if math.isfinite(self.free) else ""
        return f"batch_size auto: {self.size} at once{accumulated}{memory}"
