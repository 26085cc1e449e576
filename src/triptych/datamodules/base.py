"""What the three data modules share: loaders, order and seeding."""

from pathlib import Path
from typing import Any

import albumentations as A
import cv2
import lightning as L
import torch
from torch.utils.data import DataLoader

from triptych.datamodules.samples import EpochOrder, Records, Sample, Samples
from triptych.datasets.pictures import Pictures
from triptych.transforms import evaluation_pipeline


class TriptychDataModule(L.LightningDataModule):
    """Loaders over the records that a subclass puts into `train_records`, `val_records` and so on in `setup`.

    Args:
        image_size: (height, width) in pixels of the samples.
        batch_size: Samples a batch, at least 1.
        num_workers: Processes that read samples; 0 reads in the main one.
        seed: Seed of order, split and augmentation, at least 0.
        augment: Whether training samples are augmented.
        predict_path: Folder of pictures, list of their paths (`.txt`) or one picture to predict; None takes the
            validation samples.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        batch_size: int,
        num_workers: int,
        seed: int,
        augment: bool,
        predict_path: str | None,
    ) -> None:
        super().__init__()
        self.predict_path = predict_path
        self.image_size = checked_size(image_size)
        self.batch_size = checked_at_least(1, "batch_size", batch_size)
        self.num_workers = checked_at_least(0, "num_workers", num_workers)
        self.seed = checked_at_least(0, "seed", seed)
        self.augment = augment
        self.records: dict[str, Records] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """What the data alone knows, under the names of the model's arguments; empty before `setup`."""
        raise NotImplementedError

    def find(self) -> None:
        """Looks at what is there, so that `facts` are known and `split` can be asked."""
        raise NotImplementedError

    def split(self, name: str) -> Records:
        """The records of `"train"`, `"val"` or `"test"`."""
        raise NotImplementedError

    def setup(self, stage: str) -> None:
        """Finds, splits and checks the samples that `stage` needs.

        Raises:
            MissingDataError: A folder, list or file is not there.
            BadSampleError: A file is not what it should be.
            ValueError: A split that `stage` needs is empty.
        """
        if stage == "predict" and self.predict_path is not None:
            self.records["predict"] = Pictures(Path(self.predict_path))
            return
        self.find()
        if stage == "predict":
            self.records["predict"] = self.split("val")
        else:
            for name in {"fit": ("val", "train"), "validate": ("val",), "test": ("test",)}[stage]:
                self.records[name] = self.split(name)

    def train_pipeline(self) -> A.Compose:
        """The task's augmentations."""
        raise NotImplementedError

    def train_dataloader(self) -> DataLoader[Sample]:
        pipeline = self.train_pipeline() if self.augment else evaluation_pipeline(self.image_size)
        return self._loader("train", pipeline, shuffle=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        return self._loader("val", evaluation_pipeline(self.image_size), shuffle=False)

    def test_dataloader(self) -> DataLoader[Sample]:
        return self._loader("test", evaluation_pipeline(self.image_size), shuffle=False)

    def predict_dataloader(self) -> DataLoader[Sample]:
        return self._loader("predict", evaluation_pipeline(self.image_size), shuffle=False)

    def _loader(self, split: str, pipeline: A.Compose, shuffle: bool) -> DataLoader[Sample]:
        if split not in self.records:
            raise RuntimeError(f'{type(self).__name__}: call setup() first; there are no "{split}" samples yet.')
        records = self.records[split]
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        return DataLoader(
            Samples(records, pipeline, self.seed),
            batch_size=self.batch_size,
            sampler=EpochOrder(len(records), shuffle, self.seed, replicas, rank),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_one_thread,
        )


def _one_thread(_: int) -> None:
    """A worker is one of many: OpenCV's own threads would only get into the way of training."""
    cv2.setNumThreads(0)


def checked_size(image_size: Any) -> tuple[int, int]:
    """`image_size` as a pair of whole numbers above zero.

    Raises:
        ValueError: It is something else.
    """
    pair = tuple(image_size) if isinstance(image_size, (list, tuple)) else ()
    if len(pair) != 2 or any(not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"image_size: expected (height, width), two whole numbers above 0, got {image_size!r}.")
    return pair[0], pair[1]


def checked_at_least(least: int, name: str, value: int) -> int:
    """`value`, which must be at least `least`.

    Raises:
        ValueError: It is less.
    """
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}.")
    return value
