"""The samples that a model finds hardest, worst first."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from triptych.datamodules.base import TriptychDataModule
from triptych.datamodules.checks import checked_at_least
from triptych.datasets.sample import Split
from triptych.evaluation.evaluate import evaluating
from triptych.tasks.base import TransferTask


@dataclass(frozen=True)
class SampleLoss:
    """The loss of a model on one sample.

    Args:
        path: File of the sample; of a text its table and row, of a language model its stream and tokens.
        loss: The task's loss of this sample alone.
        index: Sample index in the split.
        wrong: What is wrong with the prediction, in one line.
    """

    path: str
    loss: float
    index: int
    wrong: str


def top_losses(
    model: TransferTask | str | Path, data: TriptychDataModule, k: int | None = None, split: Split = "val"
) -> list[SampleLoss]:
    """The samples with the highest losses, worst first; NaN counts as the worst.

    The model predicts batch by batch, without augmentation; its state does not change. A language model reads each
    chunk by itself, so its losses are a little higher than in a validation, where it knows what comes before.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        k: Number of samples, at least 1; None returns all.
        split: `"train"`, `"val"` or `"test"`.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The split is empty, the model has another task than the data, or `k` is less than 1.
    """
    if k is not None:
        checked_at_least(1, "k", k)
    with evaluating(model, data, split) as evaluation:
        losses = SampleLosses(evaluation.model)
        evaluation.feed(losses)
        return losses.worst_first()[:k]


class SampleLosses:
    """Collects the loss of each sample.

    Args:
        model: The model whose loss is computed.
    """

    def __init__(self, model: TransferTask) -> None:
        self.model = model
        self._losses: list[SampleLoss] = []

    def add(self, batch: Any, preds: Tensor) -> None:
        """Adds the samples of one batch, given the network's output for it."""
        model, target = self.model, batch[self.model.target]
        for i, path in enumerate(batch["path"]):
            loss = float(model.mean_loss(preds[i : i + 1], target[i : i + 1]))
            wrong = model.describe_mistake(preds[i], target[i], batch["size"][i])
            self._losses.append(SampleLoss(path, loss, len(self._losses), wrong))

    def worst_first(self) -> list[SampleLoss]:
        """All samples so far, worst first."""
        return sorted(self._losses, key=lambda one: -math.inf if math.isnan(one.loss) else -one.loss)
