"""From a data set's records to tensors, and the order in which they come."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import albumentations as A
import numpy as np
import torch
from torch.utils.data import Dataset, DistributedSampler

from triptych.datasets.sample import Records, Sample

Place = tuple[int, int]
"""(epoch, samples): how far a process has come."""
Key = tuple[int, int] | tuple[int, int, int]
"""(epoch, index): with the seed, all that a sample and its augmentation depend on. Where an epoch takes an index again,
the number of times before, from 1 on, is the third.
"""


class Samples(Dataset[Sample]):
    """Records after a pipeline, as tensors.

    Every draw comes from seed and key, so a sample is the same from any worker, and again after a resume.

    Args:
        records: The data set to read from.
        pipeline: Applied to image and labels together.
        seed: Seed of the augmentation, at least 0.
    """

    def __init__(self, records: Records, pipeline: A.Compose, seed: int) -> None:
        self.records, self.pipeline, self.seed = records, pipeline, seed

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: Key | int) -> Sample:
        """One sample; a plain index is one of epoch 0."""
        key = key if isinstance(key, tuple) else (0, key)
        record = self.records[key[1]]
        size = torch.tensor(record["image"].shape[:2])
        generator = np.random.default_rng((self.seed, *key))
        self.pipeline.set_random_state(generator, random.Random(int(generator.integers(2**63))))
        return _to_tensors(self.pipeline(**record), size)


def _to_tensors(record: Any, size: torch.Tensor) -> Sample:
    """A record after the pipeline; `size` is the image's before it."""
    image = torch.from_numpy(record["image"]).permute(2, 0, 1)
    sample = Sample(path=record["path"], image=image, size=size)
    if "mask" in record:
        sample["mask"] = torch.from_numpy(record["mask"]).long()
    if "labels" in record:
        sample["labels"] = torch.from_numpy(record["labels"])
    if "keypoints" in record:
        height, width = record["image"].shape[:2]
        point = 2 * record["keypoints"][:, ::-1] / (height, width) - 1
        sample["point"] = torch.from_numpy(point.astype(np.float32))
        applied = [params for _, params in record["applied_transforms"]]
        sample["only_resized"] = any(params.get("only_resized", False) for params in applied)
    return sample


class EpochOrder(DistributedSampler[Key]):
    """The keys of one epoch, in an order that follows from (seed, epoch) alone; each process takes its share.

    Unlike its parent it never repeats a sample to even out the processes when `shuffle` is off, so scores stay exact.
    With weights an epoch is as long, but its samples are drawn with replacement.

    Args:
        length: Number of samples.
        shuffle: Whether to mix them, anew each epoch.
        seed: Seed of the order, at least 0.
        num_replicas: Number of processes.
        rank: Which of them this is.
        first_epoch: Number of the first epoch, where others went before.
        resume_at: (epoch, samples): the first time goes through this epoch, and leaves out the samples that this
            process has seen of it.
        weights: How often each sample is drawn, in relation to the others; None takes each once. Asks for `shuffle`.
    """

    def __init__(
        self,
        length: int,
        shuffle: bool,
        seed: int,
        num_replicas: int = 1,
        rank: int = 0,
        first_epoch: int = 0,
        resume_at: Place | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(range(length), num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.first_epoch, self.resume_at, self.weights = first_epoch, resume_at, weights
        self.epoch = first_epoch

    def set_epoch(self, epoch: int) -> None:
        """The next time goes through epoch number `epoch`, counted from `first_epoch`."""
        if self.resume_at is not None and self.resume_at[0] != epoch:  # nothing was left of the epoch to go on with
            self.resume_at = None
        super().set_epoch(self.first_epoch + epoch)

    def __iter__(self) -> Iterator[Key]:
        seen = 0
        if self.resume_at is not None:
            epoch, seen = self.resume_at
            self.resume_at = None
            self.set_epoch(epoch)
        order = self._order()
        return iter([order[place] for place in self._share()[seen:]])

    def __len__(self) -> int:
        return len(self._share())

    def _share(self) -> range:
        """Places of the whole order that this process takes."""
        length = self.total_size if self.shuffle else len(self.dataset)  # type: ignore[arg-type]
        return range(self.rank, length, self.num_replicas)

    def _order(self) -> list[Key]:
        """The keys of all processes."""
        length = len(self.dataset)  # type: ignore[arg-type]
        if not self.shuffle:
            return [(self.epoch, index) for index in range(length)]
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.weights is None:
            return [(self.epoch, index) for index in np.resize(generator.permutation(length), self.total_size).tolist()]
        shares = np.array(self.weights) / np.sum(self.weights)
        drawn = np.resize(generator.choice(length, length, p=shares), self.total_size)
        return _numbered(self.epoch, drawn.tolist())


def _numbered(epoch: int, indices: Sequence[int]) -> list[Key]:
    """Keys of the indices, of which no two are alike."""
    keys: list[Key] = []
    times: Counter[int] = Counter()
    for index in indices:
        keys.append((epoch, index, times[index]) if times[index] else (epoch, index))
        times[index] += 1
    return keys
