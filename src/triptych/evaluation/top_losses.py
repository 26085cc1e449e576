"""The samples that a model finds hardest, worst first."""

import math
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from triptych.datamodules.base import TriptychDataModule, checked_at_least
from triptych.datasets.sample import Batch, Split
from triptych.evaluation.evaluate import evaluating
from triptych.tasks.base import TransferTask


@dataclass(frozen=True)
class SampleLoss:
    """How a model does on one sample.

    Args:
        path: The file.
        loss: The task's own loss of this sample alone.
        index: Its place in the split.
        wrong: What is wrong, in one line.
    """

    path: str
    loss: float
    index: int
    wrong: str


def top_losses(
    model: TransferTask | str | Path, data: TriptychDataModule, k: int | None = None, split: Split = "val"
) -> list[SampleLoss]:
    """The samples with the highest losses, worst first; NaN counts as the worst.

    The model is asked batch by batch, without augmentation; its state is afterwards what it was.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        k: How many, at least 1; None takes all.
        split: `"train"`, `"val"` or `"test"`.

    Raises:
        FileNotFoundError: There is no checkpoint.
        ValueError: The split is empty, the model has another task than the data, or `k` is less than 1.
    """
    if k is not None:
        checked_at_least(1, "k", k)
    with evaluating(model, data, split) as evaluation:
        losses = SampleLosses(evaluation.model)
        evaluation.feed(losses)
        return losses.worst_first()[:k]


class SampleLosses:
    """Losses of all samples that it is given.

    Args:
        model: Whose loss.
    """

    def __init__(self, model: TransferTask) -> None:
        self.model = model
        self._losses: list[SampleLoss] = []

    def add(self, batch: Batch, preds: Tensor) -> None:
        """Counts one batch and what the network gave for it."""
        model, target = self.model, batch[self.model.target]
        for i, path in enumerate(batch["path"]):
            loss = float(model.mean_loss(preds[i : i + 1], target[i : i + 1]))
            wrong = model.describe_mistake(preds[i], target[i], batch["size"][i])
            self._losses.append(SampleLoss(path, loss, len(self._losses), wrong))

    def worst_first(self) -> list[SampleLoss]:
        """All that were counted, the worst first."""
        return sorted(self._losses, key=lambda one: -math.inf if math.isnan(one.loss) else -one.loss)
