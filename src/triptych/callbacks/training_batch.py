"""The first training batch, as a figure."""

from typing import Any, cast

import lightning as L
from torch import Tensor

from triptych.callbacks.figure_callback import FigureCallback
from triptych.datamodules.checks import checked_at_least
from triptych.datamodules.epoch_order import Key
from triptych.datasets.sample import Batch, Sample, TextBatch, TextSample
from triptych.trainer.tensorboard import logged_step

_COLUMNS = 4


class TrainingBatch(FigureCallback):
    """Draws the first batch of each fit into the logs, as `train/batch`, with its targets.

    Images are augmented; of a long text beginning and end are shown.

    Args:
        count: Number of samples to show, at least 1.

    Raises:
        ValueError: `count` is less than 1.
    """

    dpi = 80

    def __init__(self, count: int = 8) -> None:
        self.count = checked_at_least(1, "count", count)
        self._is_due = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._is_due = self.draws(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch | TextBatch, batch_idx: int
    ) -> None:
        if self._is_due:
            data: Any = trainer.datamodule  # type: ignore[attr-defined]
            figure = data.draw_batch(_samples(batch, self.count, data), _COLUMNS)
            self.show(trainer, "train/batch", figure, logged_step(trainer))
            self._is_due = False


def _samples(batch: Batch | TextBatch, count: int, data: Any) -> list[Sample | TextSample]:
    """At most `count` samples of a batch, on the CPU; read anew if the batch has features in place of images."""
    keys: list[Key] | None = cast(dict[str, Any], batch).get("key")
    if keys is not None:
        samples = data.train_samples()
        return [samples[key] for key in keys[:count]]
    on_cpu: dict[str, Any] = {key: value.cpu() if isinstance(value, Tensor) else value for key, value in batch.items()}
    indices = range(min(count, len(batch["path"])))
    return [cast(Sample | TextSample, {key: value[i] for key, value in on_cpu.items()}) for i in indices]
