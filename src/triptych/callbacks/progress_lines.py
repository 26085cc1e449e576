"""Progress where the output is no terminal: a line of text every half a minute."""

import math
import time
from datetime import timedelta
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import RichProgressBar
from rich.console import Console

from triptych.trainer.cycle import seconds_left, steps_left

EVERY = 30.0
"""Seconds between two lines."""


class ProgressLines(RichProgressBar):
    """Lightning's rich progress bar; in a file, a pipe or a dumb terminal, a line of text every 30 seconds instead.

    The line of a fit gives epoch, batch, loss, the score of the last validation, and the times that it took and will
    still take; another one follows at its end. That of `validate`, `test` and `predict` gives the batch and the times.
    Only the first process prints.
    """

    title = ""
    """What the lines of the next fit begin with, such as the stage of a recipe."""
    _is_drawn = True

    @property
    def is_enabled(self) -> bool:
        """Whether a bar is drawn."""
        return super().is_enabled and self._is_drawn

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        console = Console(**self._console_kwargs)
        self._is_drawn = console.is_jupyter or (console.is_terminal and not console.is_dumb_terminal)
        self._begin(0, 0)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().teardown(trainer, pl_module, stage)
        self.title = ""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._begin(trainer.global_step, steps_left(trainer))

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        if self._is_due():
            self._print_fit(trainer, pl_module, _of("batch", batch_idx + 1, trainer.num_training_batches))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_end(trainer, pl_module)
        if self._prints:
            self._print_fit(trainer, pl_module)

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int, *more: Any
    ) -> None:
        super().on_validation_batch_end(trainer, pl_module, outputs, batch, batch_idx, *more)
        if trainer.state.fn != "fit":
            self._evaluated(trainer.num_val_batches, batch_idx, *more)
        elif self._is_due():
            self._print_fit(trainer, pl_module, _of("validation batch", batch_idx + 1, sum(trainer.num_val_batches)))

    def on_test_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int, *more: Any
    ) -> None:
        super().on_test_batch_end(trainer, pl_module, outputs, batch, batch_idx, *more)
        self._evaluated(trainer.num_test_batches, batch_idx, *more)

    def on_predict_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int, *more: Any
    ) -> None:
        super().on_predict_batch_end(trainer, pl_module, outputs, batch, batch_idx, *more)
        self._evaluated(self._batches_to_predict(), batch_idx, *more)

    @property
    def total_predict_batches_current_dataloader(self) -> int | float:
        return self._batches_to_predict()[self._current_eval_dataloader_idx or 0]

    def _batches_to_predict(self) -> list[int | float]:
        """Number of batches of each loader; for a video, whose loader has no length, the frames that it states."""
        batches: list[int | float] = self.trainer.num_predict_batches
        frames = getattr(getattr(self.trainer.predict_dataloaders, "dataset", None), "frames", None)
        return batches if frames is None or math.isfinite(sum(batches)) else [frames.count or math.inf]

    @property
    def _prints(self) -> bool:
        return super().is_enabled and not self._is_drawn

    def _begin(self, first: int, steps: float) -> None:
        """Starts the time of a loop that takes so many steps from the first one on."""
        self._began = self._printed = time.monotonic()
        self._first, self._steps = first, steps

    def _is_due(self) -> bool:
        if not self._prints or time.monotonic() - self._printed < EVERY:
            return False
        self._printed = time.monotonic()
        return True

    def _print_fit(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: str = "") -> None:
        epoch = _of("epoch", trainer.fit_loop.epoch_progress.current.ready, trainer.max_epochs or -1)
        metrics = [f"{name}: {value:.3f}" for name, value in self.get_metrics(trainer, pl_module).items()]
        parts = [self.title, epoch, batch, *metrics]
        self._print(parts, trainer.global_step, seconds_left(trainer))

    def _evaluated(self, batches: list[int | float], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Counts a batch of `validate`, `test` or `predict`."""
        done, self._steps = sum(batches[:dataloader_idx]) + batch_idx + 1, sum(batches)
        if self._is_due():
            assert self.trainer.state.fn is not None
            self._print([_of(f"{self.trainer.state.fn.value}: batch", done, self._steps)], done)

    def _print(self, parts: list[str], done: float, limit: float = math.inf) -> None:
        """Prints a line with the time that passed, and that is left: at most `limit` seconds."""
        passed, done = time.monotonic() - self._began, done - self._first
        left = min(limit, passed * (self._steps - done) / done if done else math.inf)
        times = f"{_time(passed)} passed" + (f", {_time(left)} left" if 0 < left < math.inf else "")
        print("; ".join([", ".join(filter(None, parts)), times]), flush=True)


def _of(name: str, number: float, total: float) -> str:
    return f"{name} {number:.0f} of {total:.0f}" if 0 <= total < math.inf else f"{name} {number:.0f}"


def _time(seconds: float) -> str:
    return str(timedelta(seconds=max(0, round(seconds))))
