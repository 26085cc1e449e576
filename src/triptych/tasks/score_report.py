"""Prints a task's scores in the terminal."""

from collections.abc import Iterator
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console, RenderableType

from triptych.files import as_path
from triptych.runs.checkpoint import SavedScores, saved_scores
from triptych.runs.layout import taken_line


class ScoreReport(L.Callback):
    """Prints the scores and a task's `report` once after a fit, a validation or a test.

    After a fit the scores of the last weights stand beside those of the best epoch, if a ModelCheckpoint has kept it.
    """

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._print(pl_module, "validation", trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.state.fn == "validate" and trainer.validate_loop.verbose:
            self._print(pl_module, "validation")

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.test_loop.verbose:
            self._print(pl_module, "test")

    @rank_zero_only
    def _print(self, pl_module: Any, split: str, fitted: L.Trainer | None = None) -> None:
        if pl_module.last_scores:
            for part in score_parts(pl_module, split, None if fitted is None else _best_of(fitted)):
                Console().print(part, soft_wrap=isinstance(part, str))


class NoScoreReport(ScoreReport):
    """Prints nothing; keeps a task from adding its `ScoreReport`."""

    def _print(self, pl_module: Any, split: str, fitted: L.Trainer | None = None) -> None:
        pass


def score_parts(model: Any, split: str, best: SavedScores | None = None) -> Iterator[RenderableType]:
    """Tables and lines about the last scores of a model.

    Args:
        model: A task.
        split: Its word in the titles of `report`.
        best: The scores of the best epoch of a fit.
    """
    if model.split_scores is not None:
        yield model.split_scores.table(best)
        if best is not None:
            yield from taken_line(best.path)
    yield from model.report(split)
    yield from model.gain_report()


def _best_of(trainer: L.Trainer) -> SavedScores | None:
    """The scores in the best checkpoint of the fit; None without one."""
    kept = (one for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint) and one.monitor)
    path = next((as_path(one.best_model_path) for one in kept if one.best_model_path), None)
    return None if path is None or not path.is_file() else saved_scores(path)
