"""Base class of the three data modules: loaders, sample order and seeding."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader

from triptych.datamodules.checks import checked_at_least, checked_size
from triptych.datamodules.epoch_order import EpochSampler, Position
from triptych.datamodules.frames import FrameSamples, frame_loader, frames_at
from triptych.datamodules.hard_examples import weights_of
from triptych.datamodules.resuming import Resuming
from triptych.datamodules.samples import SampleDataset, collate_one
from triptych.datamodules.state import changed_at, state_of
from triptych.datamodules.worker import WorkerLoader, start_worker
from triptych.datasets.download import Archive, fetch
from triptych.datasets.pictures import Pictures
from triptych.datasets.sample import FrameSample, Records, Sample, Split, Target
from triptych.datasets.tile import checked_tile
from triptych.files import as_path, is_remote
from triptych.images import checked_scale
from triptych.runs.plain_values import plain
from triptych.transforms import Pipeline, evaluation_pipeline, whole_pipeline

_SPLITS: dict[str, tuple[Split, ...]] = {
    "fit": ("val", "train"),
    "validate": ("val",),
    "test": ("test",),
    "predict": ("val",),
}


class TriptychDataModule(Resuming):
    """Data module with a loader for each split; the order of the samples depends on (seed, epoch) alone.

    `image_size`, `batch_size`, `augment`, `sample_weights` and `first_epoch`, the index of a fit's first epoch, may be
    changed from one fit to the next. Checkpoints hold the position in the epoch, so a resumed fit continues with the
    next sample.

    A subclass declares its own arguments in its constructor and passes the others on as `**loading`.

    Args:
        root: Folder of the data set.
        image_size: (height, width) in pixels of the samples.
        batch_size: Samples per batch and process, at least 1. "auto" is the default of the data set, of which all, a
            half, a quarter and so on are loaded at once: as many as fit into free memory, as a few steps tell when a
            fit starts. Gradients are accumulated over the parts, in addition to the Trainer's
            `accumulate_grad_batches`. A resumed fit loads as many at once as before.
        num_workers: Number of processes that read samples; 0 reads in the main process.
        seed: Seed of order, split and augmentation, at least 0.
        augment: Whether training samples are augmented.
        valid_size: (height, width) in pixels of the samples for validation, test and prediction; None takes
            `image_size`.
        predict_path: Folder of images, with its subfolders, list of their paths (`.txt`), one image, a video or the
            number of a camera to predict; None takes the validation samples.
        fps: Frames per second of a folder of numbered frames, which is then predicted as a video; None predicts its
            images one by one.
        tile: Longest side in pixels of the overlapping tiles in which images are predicted at their own size, which may
            be too large for the network; at least 64. None resizes an image for the network, and its mask back.
        sample_weights: CSV file of losses (see `triptych.write_losses`): training samples with a higher loss are drawn
            more often; None takes each once per epoch.
        download: Fetch the course's copy of the data if `root` does not exist.
        scale: How images of more than 8 bits are read, for training and prediction: the value that becomes 255, such as
            4095 for 12 bits or 1.0 for reflectances; or the two that become 0 and 255. None scales each image by the
            bits that its values need, with a warning, and refuses floats. 8-bit images are read as they are.

    Raises:
        ValueError: An argument is out of its range.
    """

    CHANGEABLE: ClassVar = frozenset({"image_size", "batch_size", "augment"})
    """Settings that may change from one fit to the next, besides `sample_weights` and `first_epoch`."""
    target: ClassVar[Target]
    """The key of a sample's target."""
    archive: ClassVar[Archive]
    """The course's copy of the data."""
    arguments: dict[str, Any]
    """The constructor's arguments, by name."""

    def __init__(
        self,
        root: str,
        image_size: tuple[int, int],
        batch_size: int | Literal["auto"],
        *,
        num_workers: int = 0,
        seed: int = 0,
        augment: bool = True,
        valid_size: tuple[int, int] | None = None,
        predict_path: str | None = None,
        fps: float | None = None,
        tile: int | None = None,
        sample_weights: str | None = None,
        download: bool = False,
        scale: float | list[float] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.arguments = {name: plain(value) for name, value in self.hparams.items()}
        self.hparams.clear()  # a checkpoint holds plain values alone, and none of the data's arguments
        if is_remote(root):
            raise ValueError(f"root: expected a folder of this machine, got {root}; copy the data here first.")
        self.root, self.download = Path(root), download
        self.predict_path, self.fps = predict_path, fps
        self._frame_samples: FrameSamples | None = None
        self.tile = None if tile is None else checked_tile(tile, self.target)
        self.image_size = checked_size("image_size", image_size)
        self.valid_size = None if valid_size is None else checked_size("valid_size", valid_size)
        self.batch_size = batch_size
        self.num_workers = checked_at_least(0, "num_workers", num_workers)
        self.seed = checked_at_least(0, "seed", seed)
        self.augment, self.sample_weights = augment, sample_weights
        self.scale = checked_scale(plain(scale))
        self.records = {}
        self.first_epoch = 0
        self._weights: list[float] | None = None
        self._read_with: object = None
        self._weighed_with: object = None

    def prepare_data(self) -> None:
        if self.download:
            fetch(self.archive, self.root)

    @property
    def metadata(self) -> dict[str, Any]:
        """Arguments of the model that follow from the data, by name; incomplete before `setup`."""
        raise NotImplementedError

    def find(self) -> None:
        """Finds the files of the data set, which `metadata` and `split` need."""
        raise NotImplementedError

    def split(self, name: Split) -> Records:
        """The records of `"train"`, `"val"` or `"test"`."""
        raise NotImplementedError

    def train_paths(self) -> list[Path]:
        """Paths of the training samples; available after `setup("fit")`."""
        raise NotImplementedError

    @property
    def sources(self) -> list[Path]:
        """Files and folders that `find` and `split` read; `setup` reads the data again if one of them has changed."""
        return [self.root]

    def setup(self, stage: str) -> None:
        """Finds, splits and checks the samples that `stage` needs, unless it has them already.

        They are read again if a setting or one of `sources` has changed.

        Raises:
            MissingDataError: A folder, list or file does not exist.
            BadSampleError: A file does not hold what is expected.
            ValueError: A split that `stage` needs is empty, or `sample_weights` names a sample twice.
        """
        if stage == "predict" and self.predict_path is not None:
            self._find_to_predict(self.predict_path)
        else:
            self._find_records(stage)
        self.start_batches(stage)

    def _find_to_predict(self, path: str) -> None:
        frames = frames_at(path, self.fps, self.scale)
        self._frame_samples = None if frames is None else FrameSamples(frames, self._predict_pipeline(), self.tile)
        if self._frame_samples is None:
            self.records["predict"] = self.pictures(Path(path))

    def pictures(self, path: Path) -> Pictures:
        """The images to predict at a path; see `Pictures`."""
        return Pictures(path, self.scale)

    def teardown(self, stage: str) -> None:
        """Raises what has ended a video before its end, once the frames before it are predicted.

        Raises:
            BadSampleError: The file was cut off or is damaged.
        """
        super().teardown(stage)
        if stage == "predict" and self._frame_samples is not None and self._frame_samples.fault is not None:
            raise self._frame_samples.fault

    def _find_records(self, stage: str) -> None:
        self._read()
        for name in _SPLITS[stage]:
            if name not in self.records:
                self.records[name] = self.split(name)
        if stage == "predict":
            self.records["predict"] = self.records["val"]
        if stage == "fit":
            self._weigh()

    def _read(self) -> None:
        """Finds the data set, and forgets what was found of it before, unless nothing has changed since."""
        if self._read_with is not None and self._read_with == state_of(vars(self), self.sources):
            return
        self.records, self._read_with = {}, None
        self.find()
        self._read_with = state_of(vars(self), self.sources)  # with the settings that `find` has completed

    def _weigh(self) -> None:
        """Reads the weights of the training samples, unless table and samples are as before."""
        table = self.sample_weights
        state = (table, None if table is None else changed_at(as_path(table)), self._read_with)
        if self._weighed_with is None or self._weighed_with != state:
            self._weights = self.draw_weights()
            self._weighed_with = state

    def draw_weights(self) -> list[float] | None:
        """How often each training sample is drawn, relative to the others; None draws each once per epoch."""
        table = self.sample_weights
        return None if table is None else weights_of(table, self.train_paths(), self.root)

    def train_pipeline(self) -> Pipeline:
        """Augmentations of the training samples."""
        raise NotImplementedError

    def draw_batch(self, samples: Sequence[Sample], columns: int) -> Figure:
        """Figure of samples with their targets.

        Args:
            samples: At least one.
            columns: Samples per row.
        """
        raise NotImplementedError

    def train_dataloader(self) -> DataLoader[Sample]:
        resume_at, self._resume_at = self._resume_at, None
        loader = self._train_loader(resume_at)
        if resume_at is not None and self.trainer is not None:
            self._count_in_own_batches(loader, resume_at[1])
        return loader

    def _train_loader(self, resume_at: Position | None) -> DataLoader[Sample]:
        pipeline = self.train_pipeline() if self.augment else evaluation_pipeline(self.image_size)
        return self._loader("train", pipeline, shuffle=True, resume_at=resume_at)

    def val_dataloader(self) -> DataLoader[Sample]:
        return self._loader("val", self._valid_pipeline(), shuffle=False)

    def test_dataloader(self) -> DataLoader[Sample]:
        return self._loader("test", self._valid_pipeline(), shuffle=False)

    def predict_dataloader(self) -> DataLoader[Sample] | DataLoader[FrameSample]:
        if self._frame_samples is not None:
            return frame_loader(self._frame_samples)
        return self._loader("predict", self._predict_pipeline(), shuffle=False, tile=self.tile)

    def show_batch(self, rows: int = 2, columns: int = 4) -> Figure:
        """Figure of the next training samples as the model gets them: in training order, augmented, with their targets.

        Calls `setup` first if needed. Changes neither the training nor any random state.

        Args:
            rows: Number of rows, at least 1.
            columns: Number of columns, at least 1.

        Raises:
            MissingDataError: See `setup`.
            BadSampleError: See `setup`.
            ValueError: See `setup`; or `rows` or `columns` is less than 1.
        """
        count = checked_at_least(1, "rows", rows) * checked_at_least(1, "columns", columns)
        if "train" not in self.records:
            self.prepare_data()
            self.setup("fit")
        loader = self._train_loader(self._resume_at)
        samples = [loader.dataset[key] for key in islice(loader.sampler, count)]
        return self.draw_batch(samples, columns)

    def _valid_pipeline(self) -> Pipeline:
        return evaluation_pipeline(self.valid_size or self.image_size)

    def _predict_pipeline(self) -> Pipeline:
        return self._valid_pipeline() if self.tile is None else whole_pipeline()

    def _loader(
        self,
        split: str,
        pipeline: Pipeline,
        shuffle: bool,
        resume_at: Position | None = None,
        tile: int | None = None,
    ) -> DataLoader[Sample]:
        if split not in self.records:
            raise RuntimeError(f'{type(self).__name__}: call setup() first; there are no "{split}" samples yet.')
        records = self.records[split]
        weights = self._weights if split == "train" else None
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        if 0 < len(records) < replicas:
            raise ValueError(f"{split}: expected at least {replicas} samples, one per process, got {len(records)}.")
        # a whole image is not sent from another process, which would copy it
        num_workers = self.num_workers if tile is None else 0
        return WorkerLoader(
            SampleDataset(records, pipeline, self.seed, tile),
            batch_size=self.micro_batch_size if tile is None else 1,
            collate_fn=None if tile is None else collate_one,
            sampler=EpochSampler(
                len(records), shuffle, self.seed, replicas, rank, self.first_epoch, resume_at, weights
            ),
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=start_worker,
        )
