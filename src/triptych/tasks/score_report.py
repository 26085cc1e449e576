"""Prints a task's tables in the terminal."""

from typing import Any

import lightning as L
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console


class ScoreReport(L.Callback):
    """Prints a task's `report` once after a fit, a validation or a test."""

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._print(pl_module, "validation")

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.state.fn == "validate" and trainer.validate_loop.verbose:
            self._print(pl_module, "validation")

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.test_loop.verbose:
            self._print(pl_module, "test")

    @rank_zero_only
    def _print(self, pl_module: Any, split: str) -> None:
        parts = [*pl_module.report(split), *pl_module.gain_report()] if pl_module.last_scores else []
        for part in parts:
            Console().print(part, soft_wrap=isinstance(part, str))


class NoScoreReport(ScoreReport):
    """Prints nothing; keeps a task from adding its `ScoreReport`."""

    def _print(self, pl_module: Any, split: str) -> None:
        pass
