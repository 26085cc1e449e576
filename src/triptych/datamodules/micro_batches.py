"""Batches that are loaded in equal parts, micro-batches, over which the gradients are accumulated."""

import inspect
from collections.abc import Mapping
from typing import Any, Literal

import lightning as L
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from lightning.pytorch.trainer.states import TrainerStatus

from triptych.runs.plain_values import plain
from triptych.trainer.largest_batch import halves, largest_batch
from triptych.trainer.processes import say

AUTO: Literal["auto"] = "auto"
"""A batch size: the default, in parts that fit into free memory."""
_COUNTS = (
    *("accumulate_grad_batches", "val_check_interval"),
    *(f"limit_{split}_batches" for split in ("train", "val", "test", "predict")),
)
"""Attributes of a Trainer that count batches."""


class MicroBatching(L.LightningDataModule):
    """A data module whose batches may be loaded in `micro_batches` equal parts.

    A Trainer that uses it then accumulates gradients over that many times more batches than it was told to, and its
    limits and intervals still count whole batches. So the optimizer steps and their samples are those of whole batches.
    """

    records: dict[str, Any]
    micro_batches: int
    """Number of parts; setting `batch_size` sets it to 1, and a fit chooses it for "auto"."""
    _whole: tuple[L.Trainer, dict[str, Any]] | None = None
    """The Trainer that runs, and its counts of whole batches."""

    @property
    def batch_size(self) -> int | Literal["auto"]:
        """Samples per batch, or "auto"."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, value: int | Literal["auto"]) -> None:
        value = plain(value)
        if value != AUTO and not (isinstance(value, int) and value >= 1):
            raise ValueError(f"batch_size: expected at least 1, or auto, got {value}.")
        self._batch_size, self.micro_batches = value, 1

    @property
    def whole_batch_size(self) -> int:
        """Samples per batch; of "auto" the default of the constructor's argument."""
        if self._batch_size != AUTO:
            return self._batch_size
        for one in type(self).__mro__:
            parameter = inspect.signature(one.__init__).parameters.get("batch_size")  # type: ignore[misc]
            if parameter is not None and isinstance(parameter.default, int):
                return parameter.default
        raise ValueError(f"batch_size: expected a number, got auto, and {type(self).__name__} has no default for it.")

    @property
    def num_train(self) -> int:
        """Number of training samples; 0 before they are read."""
        return len(self.records.get("train", ()))

    @property
    def micro_batch_size(self) -> int:
        """Samples that are loaded at once."""
        return self.whole_batch_size // self.micro_batches

    def start_batches(self, stage: str) -> None:
        """Chooses the micro-batches of "auto" if a fit starts, and prepares the Trainer; ends each `setup`.

        Args:
            stage: The Trainer's function, such as "fit".

        Raises:
            MemoryLimitError: Not even a small batch fits into free memory.
            ValueError: The Trainer accumulates by a schedule.
        """
        trainer = self.trainer
        if trainer is None or trainer.state.status != TrainerStatus.RUNNING:
            return
        if stage == "fit" and self.batch_size == AUTO:  # a checkpoint, which goes before, is read after `setup`
            whole = self.whole_batch_size
            self.micro_batches = whole // largest_batch(trainer, trainer.lightning_module, self, whole)
        self._count_whole_batches(trainer)

    def resume_batches(self, state: Mapping[str, int]) -> None:
        """Takes the micro-batches of "auto" from the fit that is resumed: at most as many samples at once.

        Args:
            state: Its `batch_size` is the number of samples at once; older checkpoints have none.
        """
        assert self.trainer is not None
        if self.batch_size == AUTO and "batch_size" in state:
            whole = self.whole_batch_size
            at_once = next(size for size in halves(whole) if size <= state["batch_size"])
            say(f"batch_size auto: {at_once} of {whole} at once, as in the fit that is resumed")
            self.micro_batches = whole // at_once
            self._count_whole_batches(self.trainer)

    def teardown(self, stage: str) -> None:
        self._restore_counts()

    def on_exception(self, exception: BaseException) -> None:
        self._restore_counts()

    def _restore_counts(self) -> None:
        if self._whole is not None:
            trainer, counts = self._whole
            vars(trainer).update(counts)
            self._whole = None

    def _count_whole_batches(self, trainer: L.Trainer) -> None:
        self._restore_counts()
        if self.micro_batches == 1:
            return
        if any(isinstance(one, GradientAccumulationScheduler) for one in trainer.callbacks):  # type: ignore[attr-defined]
            raise ValueError(
                "batch_size: expected a Trainer that accumulates the same number of batches in each epoch, got a "
                "GradientAccumulationScheduler; give batch_size a number, or set accumulate_grad_batches."
            )
        counts = {name: getattr(trainer, name) for name in _COUNTS}
        self._whole = trainer, {**counts}
        samples = -(-self.num_train // trainer.world_size)
        batches = -(-samples // self.whole_batch_size)
        limit = counts["limit_train_batches"] = _number(counts["limit_train_batches"], batches)
        limited = min(batches, limit) if isinstance(limit, int) else batches
        counts["val_check_interval"] = _number(counts["val_check_interval"], limited)
        vars(trainer).update({n: self.micro_batches * count for n, count in counts.items() if isinstance(count, int)})


def _number(count: Any, batches: int) -> Any:
    """The number, at least 1, that a fraction of so many batches stands for; any other count as it is."""
    return max(1, int(count * batches)) if isinstance(count, float) and 0 < count < 1 else count
