"""What a model gets wrong at the end of its fit."""

from typing import Any

import lightning as L

from triptych.callbacks.figure_callback import FigureCallback
from triptych.datamodules.checks import checked_at_least
from triptych.evaluation.evaluate import evaluating
from triptych.show.top_losses import mistake_figures
from triptych.trainer.tensorboard import logged_step


class Mistakes(FigureCallback):
    """Draws `val/top_losses` and `val/confusion` into the logs at the end of a fit; see `plot_confusion`.

    A single point and a language model have no confusion.

    Both come from one pass over the validation batches that the Trainer uses.

    Args:
        k: Number of samples with the highest losses to show, at least 1.

    Raises:
        ValueError: `k` is less than 1.
    """

    def __init__(self, k: int = 9) -> None:
        self.k = checked_at_least(1, "k", k)

    def on_train_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """At this hook the model is still on the device on which it was trained."""
        if not self.draws(trainer, pl_module):
            return
        num_batches = trainer.world_size * sum(map(int, trainer.num_val_batches))
        if not num_batches:
            return
        step, data = max(0, logged_step(trainer) - 1), trainer.datamodule  # type: ignore[attr-defined]
        with evaluating(pl_module, data) as evaluation, trainer.precision_plugin.forward_context():
            worst, confusion = mistake_figures(evaluation, self.k, limit=num_batches)
        self.show(trainer, "val/top_losses", worst, step)
        if confusion:
            self.show(trainer, "val/confusion", confusion, step)
