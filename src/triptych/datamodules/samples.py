"""From a data set's records to tensors, and the order in which they come."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import albumentations as A
import numpy as np
import torch
from torch.utils.data import Dataset, DistributedSampler

Sample = dict[str, Any]
Key = tuple[int, int]
"""(epoch, index): with the seed, all that a sample and its augmentation depend on."""


class Records(Protocol):
    """What a data set offers: a length, and records with `image` uint8 (H, W, C), their labels and `path`."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


class Samples(Dataset[Sample]):
    """Records after a pipeline, as tensors.

    Every draw comes from (seed, epoch, index), so a sample is the same from any worker, and again after a resume.

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
        """One sample; a plain index is one of epoch 0.

        Returns:
            `image` uint8 (C, H, W); `path`; `size` int64 (2,), height and width of the image before the pipeline; and
            of `mask` int64 (H, W), `point` float32 (P, 2), (y, x) in [-1, 1] of this image, and `labels` float32 (L,)
            those that the record has. Beside `point` stands `only_resized`: no draw kept it in the picture.
        """
        epoch, index = key if isinstance(key, tuple) else (0, key)
        record = self.records[index]
        size = torch.tensor(record["image"].shape[:2])
        generator = np.random.default_rng((self.seed, epoch, index))
        self.pipeline.set_random_state(generator, random.Random(int(generator.integers(2**63))))
        return {"size": size, **_to_tensors(self.pipeline(**record))}


def _to_tensors(record: Sample) -> Sample:
    sample = {"path": record["path"], "image": torch.from_numpy(record["image"]).permute(2, 0, 1)}
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

    Args:
        length: Number of samples.
        shuffle: Whether to mix them, anew each epoch.
        seed: Seed of the order, at least 0.
        num_replicas: Number of processes.
        rank: Which of them this is.
    """

    def __init__(self, length: int, shuffle: bool, seed: int, num_replicas: int = 1, rank: int = 0) -> None:
        super().__init__(range(length), num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Key]:
        return iter([(self.epoch, int(index)) for index in self._share()])

    def __len__(self) -> int:
        return len(self._share())

    def _share(self) -> Sequence[int]:
        length = len(self.dataset)  # type: ignore[arg-type]
        if not self.shuffle:
            return range(self.rank, length, self.num_replicas)
        order = np.random.default_rng((self.seed, self.epoch)).permutation(length)
        return np.resize(order, self.total_size)[self.rank :: self.num_replicas]  # type: ignore[return-value]
