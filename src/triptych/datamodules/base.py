"""What the three data modules share: loaders, order and seeding."""

import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import cv2
import lightning as L
import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader

from triptych.datamodules.epoch_order import EpochSampler, Place
from triptych.datamodules.hard_examples import weights_of
from triptych.datamodules.samples import SampleDataset
from triptych.datasets.download import Archive, fetch
from triptych.datasets.pictures import Pictures
from triptych.datasets.sample import Records, Sample, Split
from triptych.transforms import Pipeline, evaluation_pipeline

_SPLITS: dict[str, tuple[Split, ...]] = {"fit": ("val", "train"), "validate": ("val",), "test": ("test",)}


class TriptychDataModule(L.LightningDataModule):
    """Loaders over the records of each split, in an order that follows from (seed, epoch) alone.

    `image_size`, `batch_size`, `augment`, `sample_weights` and `first_epoch`, the number of a fit's first epoch, may be
    changed from one fit to the next. Checkpoints hold the place in the epoch, so a fit that is resumed goes on with the
    next sample.

    A subclass names its own arguments in its constructor and passes the others on as `**loading`.

    Args:
        root: Folder of the data set.
        image_size: (height, width) in pixels of the samples.
        batch_size: Samples a batch, at least 1.
        num_workers: Processes that read samples; 0 reads in the main one.
        seed: Seed of order, split and augmentation, at least 0.
        augment: Whether training samples are augmented.
        valid_size: (height, width) in pixels of the samples that are validated, tested and predicted; None takes
            `image_size`.
        predict_path: Folder of images, list of their paths (`.txt`) or one image to predict; None takes the validation
            samples.
        sample_weights: CSV file of losses (see `triptych.write_losses`): training samples with a higher loss are drawn
            more often; None takes each once an epoch.
        download: Fetch the course's copy of the data if `root` does not exist.

    Raises:
        ValueError: An argument is out of its range.
    """

    CHANGEABLE: ClassVar = frozenset({"image_size", "batch_size", "augment"})
    """The settings that may change from one fit to the next, beside `sample_weights` and `first_epoch`."""
    archive: ClassVar[Archive]
    """The course's copy of the data."""
    arguments: dict[str, Any]
    """What it was made with, by name."""

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int],
        batch_size: int,
        *,
        num_workers: int = 0,
        seed: int = 0,
        augment: bool = True,
        valid_size: tuple[int, int] | None = None,
        predict_path: str | None = None,
        sample_weights: str | None = None,
        download: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.arguments = {
            name: str(value) if isinstance(value, Path) else value for name, value in self.hparams.items()
        }
        self.hparams.clear()  # a checkpoint is to be read with plain values alone, and needs no data
        self.root, self.download = Path(root), download
        self.predict_path = predict_path
        self.image_size = checked_size("image_size", image_size)
        self.valid_size = None if valid_size is None else checked_size("valid_size", valid_size)
        self.batch_size = checked_at_least(1, "batch_size", batch_size)
        self.num_workers = checked_at_least(0, "num_workers", num_workers)
        self.seed = checked_at_least(0, "seed", seed)
        self.augment, self.sample_weights = augment, sample_weights
        self.records: dict[str, Records] = {}
        self.first_epoch = 0
        self._resume_at: Place | None = None
        self._weights: list[float] | None = None

    def prepare_data(self) -> None:
        if self.download:
            fetch(self.archive, self.root)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the data alone knows, under the names of the model's arguments; empty before `setup`."""
        raise NotImplementedError

    def find(self) -> None:
        """Looks at what is there, so that `metadata` are known and `split` can be asked."""
        raise NotImplementedError

    def split(self, name: Split) -> Records:
        """The records of `"train"`, `"val"` or `"test"`."""
        raise NotImplementedError

    def train_paths(self) -> list[Path]:
        """The files of the training samples, known after `setup("fit")`."""
        raise NotImplementedError

    def setup(self, stage: str) -> None:
        """Finds, splits and checks the samples that `stage` needs.

        Raises:
            MissingDataError: A folder, list or file is not there.
            BadSampleError: A file is not what it should be.
            ValueError: A split that `stage` needs is empty, or `sample_weights` names a sample twice.
        """
        if stage == "predict" and self.predict_path is not None:
            self.records["predict"] = Pictures(Path(self.predict_path))
            return
        self.find()
        if stage == "predict":
            self.records["predict"] = self.split("val")
        else:
            for name in _SPLITS[stage]:
                self.records[name] = self.split(name)
        if stage == "fit":
            table = self.sample_weights
            self._weights = None if table is None else weights_of(table, self.train_paths(), self.root)

    def train_pipeline(self) -> Pipeline:
        """The task's augmentations."""
        raise NotImplementedError

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        """Samples as pictures with what is to be predicted.

        Args:
            samples: At least one.
            columns: Samples in a row.
        """
        raise NotImplementedError

    def state_dict(self) -> dict[str, int]:
        """Where a checkpoint stands in its fit: the epoch, and how many of its samples each process has seen."""
        epochs, batches = self._fit_loop.epoch_progress.current, self._fit_loop.epoch_loop.batch_progress.current
        within = epochs.processed < epochs.ready
        return {"epoch": epochs.processed, "samples": batches.ready * self.batch_size if within else 0}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Lets the next fit go on with the next sample."""
        if self._fit_loop.trainer.state.fn == "fit":
            self._resume_at = state_dict["epoch"], state_dict["samples"]
            warnings.filterwarnings("ignore", ".*your dataloader is not resumable")  # Lightning cannot know

    @property
    def _fit_loop(self) -> Any:
        assert self.trainer is not None
        return self.trainer.fit_loop

    def train_dataloader(self) -> DataLoader[Sample]:
        pipeline = self.train_pipeline() if self.augment else evaluation_pipeline(self.image_size)
        resume_at, self._resume_at = self._resume_at, None
        return self._loader("train", pipeline, shuffle=True, resume_at=resume_at)

    def val_dataloader(self) -> DataLoader[Sample]:
        return self._loader("val", self._valid_pipeline(), shuffle=False)

    def test_dataloader(self) -> DataLoader[Sample]:
        return self._loader("test", self._valid_pipeline(), shuffle=False)

    def predict_dataloader(self) -> DataLoader[Sample]:
        return self._loader("predict", self._valid_pipeline(), shuffle=False)

    def show_batch(self, rows: int = 2, columns: int = 4) -> Figure:
        """The next training samples in their order, as the model gets them: augmented, with what is to be predicted.

        Finds the data first where `setup` has not been called. No training and no random state is touched.

        Args:
            rows: Of samples, at least 1.
            columns: Of samples, at least 1.

        Raises:
            MissingDataError: As `setup`.
            BadSampleError: As `setup`.
            ValueError: As `setup`; or rows or columns are less than 1.
        """
        count = checked_at_least(1, "rows", rows) * checked_at_least(1, "columns", columns)
        if "train" not in self.records:
            self.prepare_data()
            self.setup("fit")
        resume_at = self._resume_at
        loader = self.train_dataloader()
        self._resume_at = resume_at  # the fit is yet to come
        samples = [loader.dataset[key] for key in islice(loader.sampler, count)]
        return self.draw_batch(samples, columns)

    def _valid_pipeline(self) -> Pipeline:
        return evaluation_pipeline(self.valid_size or self.image_size)

    def _loader(
        self, split: str, pipeline: Pipeline, shuffle: bool, resume_at: Place | None = None
    ) -> DataLoader[Sample]:
        if split not in self.records:
            raise RuntimeError(f'{type(self).__name__}: call setup() first; there are no "{split}" samples yet.')
        records = self.records[split]
        weights = self._weights if split == "train" else None
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        if 0 < len(records) < replicas:
            raise ValueError(f"{split}: expected at least {replicas} samples, one a process, got {len(records)}.")
        return DataLoader(
            SampleDataset(records, pipeline, self.seed),
            batch_size=self.batch_size,
            sampler=EpochSampler(
                len(records), shuffle, self.seed, replicas, rank, self.first_epoch, resume_at, weights
            ),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_one_thread,
        )


def _one_thread(_: int) -> None:
    """A worker is one of many: OpenCV's own threads would only get into the way of training."""
    cv2.setNumThreads(0)


def checked_size(name: str, value: Any) -> tuple[int, int]:
    """`value` as a pair of whole numbers above zero, (height, width).

    Raises:
        ValueError: It is something else.
    """
    pair = tuple(value) if isinstance(value, (list, tuple)) else ()
    if len(pair) != 2 or any(not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"{name}: expected (height, width), two whole numbers above 0, got {value!r}.")
    return pair[0], pair[1]


def checked_at_least(least: int, name: str, value: int) -> int:
    """`value`, which must be at least `least`.

    Raises:
        ValueError: It is less.
    """
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}.")
    return value
