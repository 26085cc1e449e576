"""Samples as tensors, from the records of a data set."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset, default_collate

from triptych.datamodules.epoch_order import Key
from triptych.datasets.sample import Record, Records, Sample
from triptych.errors import BadSampleError
from triptych.transforms import Pipeline


class SampleDataset(Dataset[Sample]):
    """Samples of a data set: its records, transformed by a pipeline, as tensors.

    Each random choice depends on seed and key alone, so a sample is the same in any worker and after a resume.

    Args:
        records: The data set to read from.
        pipeline: Applied to image and labels together.
        seed: Seed of the augmentation, at least 0.
        tile: Side of the tiles in which the samples are predicted; None if they are predicted as they are.
    """

    def __init__(self, records: Records, pipeline: Pipeline, seed: int, tile: int | None = None) -> None:
        self.records, self.pipeline, self.seed, self.tile = records, pipeline, seed, tile

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: Key | int) -> Sample:
        """One sample; a plain index means epoch 0."""
        sample = self._read(key)
        if "mask" in sample:
            sample["mask"] = sample["mask"].long()
        return sample

    def __getitems__(self, keys: Sequence[Key | int]) -> list[Sample]:
        """The samples of a batch, as a loader asks for them; their masks are parts of one tensor."""
        samples = [self._read(key) for key in keys]
        masks = [sample["mask"] for sample in samples if "mask" in sample]
        for sample, mask in zip(samples, _widened(masks), strict=bool(masks)):
            sample["mask"] = mask
        return samples

    def _read(self, key: Key | int) -> Sample:
        """A sample; its mask is still uint8."""
        key = key if isinstance(key, tuple) else (0, key)
        record = self.records[key[1]]
        _check_mask(record)
        size = torch.from_numpy(np.array(record.get("size", record["image"].shape[:2]), dtype=np.int64))
        generator = np.random.default_rng((self.seed, *key))
        self.pipeline.set_random_state(generator, random.Random(int(generator.integers(2**63))))
        sample = _to_tensors(self.pipeline(**record), size)
        if self.tile is not None:
            sample["tile"] = self.tile
        return sample


def collate(samples: Sequence[Sample]) -> Any:
    """A batch of samples; the images lie channels-last in memory, as they were read and as a network takes them.

    Masks that `SampleDataset` has put into one tensor are not copied.
    """
    rest = [{name: value for name, value in sample.items() if name not in ("image", "mask")} for sample in samples]
    images = default_collate([sample["image"].permute(1, 2, 0) for sample in samples])
    batch = {**default_collate(rest), "image": images.permute(0, 3, 1, 2)}
    if "mask" in samples[0]:
        batch["mask"] = _joined([sample["mask"] for sample in samples])
    return batch


def collate_one(samples: Sequence[Sample]) -> Any:
    """A batch of one sample, whose image, which may be huge, is not copied."""
    (sample,) = samples
    image = sample["image"][None]
    return {**default_collate([{name: value for name, value in sample.items() if name != "image"}]), "image": image}


def _check_mask(record: Record) -> None:
    if "mask" in record and record["mask"].shape != record["image"].shape[:2]:
        height, width = record["image"].shape[:2]
        raise BadSampleError(
            f"{record['path']}: expected a mask of the image's height and width, {(height, width)}, got "
            f"{record['mask'].shape}."
        )


def _widened(masks: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """Masks as int64; those of one size are parts of one tensor, in the order of its memory.

    A sample's mask takes eight times its bytes as int64, which are written once in this way.
    """
    if len({mask.shape for mask in masks}) != 1:
        return [mask.long() for mask in masks]
    return torch.from_numpy(np.stack([mask.numpy() for mask in masks], dtype=np.int64)).unbind()


def _joined(masks: Sequence[torch.Tensor]) -> torch.Tensor:
    """Masks as one tensor; the one whose parts they are, if they are all of them in their order."""
    whole = masks[0]._base
    starts = [] if whole is None else [part.data_ptr() for part in whole]
    if whole is not None and starts == [mask.data_ptr() for mask in masks] and whole.shape[1:] == masks[0].shape:
        return whole
    joined: torch.Tensor = default_collate([*masks])
    return joined


def _to_tensors(record: Any, size: torch.Tensor) -> Sample:
    """A transformed record as tensors; `size` is that of the image before."""
    image = _owned(record["image"]).permute(2, 0, 1)
    sample = Sample(path=record["path"], image=image, size=size)
    if "mask" in record:
        sample["mask"] = _owned(record["mask"])
    if "labels" in record:
        sample["labels"] = torch.from_numpy(record["labels"])
    if "keypoints" in record:
        height, width = record["image"].shape[:2]
        point = 2 * record["keypoints"][:, ::-1] / (height, width) - 1
        sample["point"] = torch.from_numpy(point.astype(np.float32))
        applied = [params for _, params in record["applied_transforms"]]
        sample["only_resized"] = any(params.get("only_resized", False) for params in applied)
    return sample


def _owned(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Pixels as a tensor; those that a pipeline leaves as they are kept decoded are copied, so that they stay."""
    return torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
