"""A progress bar that shows each score in full."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme

from triptych.callbacks.progress_lines import ProgressLines

_BAR_CELLS = 10


class ProgressBar(ProgressLines):
    """Lightning's rich progress bar for 80 columns: one score per line, no version number, no speed.

    It stops at the end of the loop, so that it does not overwrite later output. Where the output is no terminal, it is
    a line of text every 30 seconds; see `ProgressLines`.
    """

    def __init__(self) -> None:
        super().__init__(theme=RichProgressBarTheme(metrics_text_delimiter="\n"))

    def configure_columns(self, trainer: L.Trainer) -> list[Any]:
        description, bar, batches, times, _speed = super().configure_columns(trainer)
        bar.bar_width = _BAR_CELLS
        return [description, bar, batches, times]

    def get_metrics(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        metrics: dict[str, Any] = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return metrics

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._stop_progress()
        super().on_train_end(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_validation_end(trainer, pl_module)
        if trainer.state.fn == "validate":
            self._stop_progress()

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_test_end(trainer, pl_module)
        self._stop_progress()
