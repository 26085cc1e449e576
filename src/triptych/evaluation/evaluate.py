"""A model in evaluation mode, with the labelled samples of a split."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, get_args

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.sample import Batch, Sample, Split, Target, TextBatch, TextSample, wrong_target
from triptych.tasks.base import TransferTask
from triptych.tasks.load import load_model
from triptych.trainer.evaluation_mode import evaluation_mode

AnySample: TypeAlias = Sample | TextSample


class Counter(Protocol):
    """Accumulates something over batches and their predictions."""

    def add(self, batch: Any, preds: Tensor) -> None: ...


class Evaluation(NamedTuple):
    """A model and the samples of one split, loaded as in validation; a sample index follows the split's order."""

    model: TransferTask
    samples: Any
    data: TriptychDataModule

    def each(self, samples: Iterable[AnySample]) -> Iterator[tuple[AnySample, Tensor]]:
        """Each sample with what the model predicts for it, float32; both on the model's device."""
        for sample in samples:
            moved = self._moved(sample)
            yield moved, self.model.predicted(moved[self.model.input][None]).float()[0]

    def at(self, indices: Iterable[int]) -> Iterator[tuple[AnySample, Tensor]]:
        """Like `each`, for the samples of the split at `indices`."""
        return self.each(self.samples[index] for index in indices)

    def together(self, samples: Iterable[AnySample]) -> list[tuple[AnySample, Tensor]]:
        """Like `each`, but in one batch, which is faster; all images must have the same size, and texts are padded."""
        moved = [self._moved(sample) for sample in samples]
        preds = self.model.predicted(self.data.collate(moved)[self.model.input]).float()
        return list(zip(moved, preds, strict=True))

    def feed(self, *counters: Counter, limit: int | None = None) -> None:
        """Passes all samples through the network once, in the split's order, and each batch to every counter.

        Args:
            counters: Each gets every batch and its predictions.
            limit: Maximum number of batches; None sets no limit.
        """
        for batch, preds in islice(self._batches(), limit):
            for counter in counters:
                counter.add(batch, preds)

    def _batches(self) -> Iterator[tuple[Batch | TextBatch, Tensor]]:
        loader: DataLoader[Any] = DataLoader(
            self.samples,
            batch_size=self.data.micro_batch_size,
            collate_fn=self.data.collate,
            num_workers=self.data.num_workers,
            generator=torch.Generator(),  # otherwise the loader would draw from the fit's global generator
        )
        for batch in loader:
            moved = self._moved(batch)
            yield moved, self.model.predicted(moved[self.model.input]).float()

    def _moved(self, sample: Any) -> Any:
        """A sample or a batch on the model's device."""
        device = self.model.device
        return {key: value.to(device) if isinstance(value, Tensor) else value for key, value in sample.items()}


@contextlib.contextmanager
def evaluating(
    model: TransferTask | str | Path, data: TriptychDataModule, split: Split = "val"
) -> Iterator[Evaluation]:
    """The model in evaluation mode without gradients, and the samples of a split, loaded as in validation.

    Calls the data module's `prepare_data` and `setup` if needed. Afterwards each module is in its previous mode.

    Args:
        model: A model, a checkpoint, or a run folder.
        data: Data of the model's own task.
        split: `"train"`, `"val"` or `"test"`; none of them is augmented.

    Raises:
        FileNotFoundError: The checkpoint does not exist.
        ValueError: The split is empty or unknown, or the model has another task or other classes than the data.
    """
    task = model if isinstance(model, TransferTask) else load_model(model)
    samples = _samples(data, split)
    _check_task(task, data, samples[0])
    task.resolve(data.metadata)
    task.configure_model()
    with evaluation_mode(task):
        yield Evaluation(task, samples, data)


def _samples(data: TriptychDataModule, split: Split) -> Any:
    if split not in get_args(Split):
        raise ValueError(f'split: expected "train", "val" or "test", got {split!r}.')
    if "val" not in data.records:
        data.prepare_data()
        data.setup("validate")
    samples: Any = data.eval_samples(split)
    if not len(samples):
        raise ValueError(f"{type(data).__name__}: expected samples in its {split!r} split, found none.")
    return samples


def _check_task(model: TransferTask, data: TriptychDataModule, sample: AnySample) -> None:
    if model.target not in sample:
        of_data = next(key for key in get_args(Target) if key in sample)
        raise ValueError(wrong_target(type(model), model.target, type(data), of_data))
