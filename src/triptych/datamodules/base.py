"""Base class of the data modules: loaders, sample order and seeding."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader, Dataset, default_collate

from triptych.datamodules.checks import checked_at_least
from triptych.datamodules.epoch_order import EpochSampler, Position
from triptych.datamodules.hard_examples import weights_of
from triptych.datamodules.resuming import Resuming
from triptych.datamodules.state import changed_at, state_of
from triptych.datamodules.stored_views import StoredViews, as_read
from triptych.datamodules.worker import WorkerLoader, start_worker
from triptych.datasets.download import Archive, fetch
from triptych.datasets.sample import Split, Target
from triptych.files import as_path, is_remote
from triptych.metrics.units import Groups
from triptych.runs.plain_values import plain

_SPLITS: dict[str, tuple[Split, ...]] = {
    "fit": ("val", "train"),
    "validate": ("val",),
    "test": ("test",),
    "predict": ("val",),
}


class TriptychDataModule(Resuming):
    """Data module with a loader for each split; the order of the samples depends on (seed, epoch) alone.

    `batch_size`, `sample_weights`, what `CHANGEABLE` names, `first_epoch`, the index of a fit's first epoch, and
    `stored_views`, which are read in place of the training samples, may be changed from one fit to the next.
    Checkpoints hold the position in the epoch, so a resumed fit continues with the next sample.

    A subclass declares its own arguments in its constructor and passes the others on as `**loading`.

    Args:
        root: Folder of the data set.
        batch_size: Samples per batch and process, at least 1. "auto" is the default of the data set, of which all, a
            half, a quarter and so on are loaded at once: as many as fit into free memory, as a few steps tell when a
            fit starts. Gradients are accumulated over the parts, in addition to the Trainer's
            `accumulate_grad_batches`. A resumed fit loads as many at once as before.
        num_workers: Number of processes that read samples; 0 reads in the main process.
        seed: Seed of order, split and augmentation, at least 0.
        predict_path: What to predict; None takes the validation samples.
        sample_weights: CSV file of losses (see `triptych.write_losses`): training samples with a higher loss are drawn
            more often; None takes each once per epoch.
        download: Fetch the course's copy of the data if `root` does not exist.

    Raises:
        ValueError: An argument is out of its range.
    """

    CHANGEABLE: ClassVar = frozenset({"batch_size"})
    """Settings that may change from one fit to the next, besides `sample_weights` and `first_epoch`."""
    target: Target
    """The key of a sample's target."""
    noun: ClassVar[str] = "sample"
    """What a sample is called, in messages."""
    archive: ClassVar[Archive]
    """The course's copy of the data."""
    collate: Callable[[Any], Any] = staticmethod(default_collate)
    """Makes a batch of samples."""
    arguments: dict[str, Any]
    """The constructor's arguments, by name."""

    def __init__(
        self,
        root: str,
        batch_size: int | Literal["auto"],
        *,
        num_workers: int = 0,
        seed: int = 0,
        predict_path: str | None = None,
        sample_weights: str | None = None,
        download: bool = False,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.arguments = {name: plain(value) for name, value in self.hparams.items()}
        self.hparams.clear()  # a checkpoint holds plain values alone, and none of the data's arguments
        if is_remote(root):
            raise ValueError(f"root: expected a folder of this machine, got {root}; copy the data here first.")
        self.root, self.download = Path(root), download
        self.predict_path = predict_path
        self.batch_size = batch_size
        self.num_workers = checked_at_least(0, "num_workers", num_workers)
        self.seed = checked_at_least(0, "seed", seed)
        self.sample_weights = sample_weights
        self.records = {}
        self.first_epoch = 0
        self.stored_views: StoredViews | None = None
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

    def split(self, name: Split) -> Any:
        """The records of `"train"`, `"val"` or `"test"`."""
        raise NotImplementedError

    def chosen_by(self, name: Split) -> str:
        """How the samples of a split were chosen, such as `valid.txt`; empty if it is unknown."""
        return ""

    def groups_of(self, paths: Sequence[str]) -> Groups | None:
        """The groups of samples that are alike, such as drives or persons, by their paths; None if unknown."""
        return None

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
            self.find_to_predict(self.predict_path)
        else:
            self._find_records(stage)
            self.keep_records(stage)
        self.start_batches(stage)

    def find_to_predict(self, path: str) -> None:
        """Finds what to predict at a path."""
        raise NotImplementedError

    def _find_records(self, stage: str) -> None:
        self._read()
        for name in _SPLITS[stage]:
            if name not in self.records:
                self.records[name] = self.split(name)
        if stage == "predict":
            self.records["predict"] = self.records["val"]
        if stage == "fit":
            self._weigh()

    def keep_records(self, stage: str) -> None:
        """Keeps what is read of the records that were found for a stage; nothing by default."""

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

    def train_samples(self) -> Dataset[Any]:
        """The training samples as the model gets them; available after `setup("fit")`."""
        raise NotImplementedError

    def eval_samples(self, split: Split | Literal["predict"]) -> Dataset[Any]:
        """The samples of a split, or those to predict, as they are validated: without augmentation."""
        raise NotImplementedError

    def sampler(self, samples: Any, shuffle: bool, **order: Any) -> EpochSampler:
        """The order of samples; see `EpochSampler`.

        Args:
            samples: The samples.
            shuffle: Whether they are those of a training.
            order: Further arguments of `EpochSampler`.
        """
        return EpochSampler(len(samples), shuffle, self.seed, **order)

    def draw_batch(self, samples: Sequence[Any], columns: int) -> Figure:
        """Figure of samples with their targets.

        Args:
            samples: At least one.
            columns: Samples per row.
        """
        raise NotImplementedError

    def train_dataloader(self) -> DataLoader[Any]:
        resume_at, self._resume_at = self._resume_at, None
        loader = self._train_loader(resume_at)
        if resume_at is not None and self.trainer is not None:
            self._count_in_own_batches(loader, resume_at[1])
        return loader

    def _train_loader(self, resume_at: Position | None) -> DataLoader[Any]:
        self._expect("train")
        order = {"resume_at": resume_at, "weights": self._weights}
        if self.stored_views is not None:  # reading them takes no time, sending them from a worker does
            return self.loader(self.stored_views, shuffle=True, order=order, num_workers=0, collate_fn=as_read)
        return self.loader(self.train_samples(), shuffle=True, order=order)

    def val_dataloader(self) -> DataLoader[Any]:
        return self._eval_loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        return self._eval_loader("test")

    def predict_dataloader(self) -> DataLoader[Any]:
        return self._eval_loader("predict")

    def _eval_loader(self, split: Split | Literal["predict"]) -> DataLoader[Any]:
        self._expect(split)
        return self.loader(self.eval_samples(split))

    def show_batch(self, rows: int = 2, columns: int = 4) -> Figure:
        """Figure of the next training samples as the model gets them: in training order, with their targets.

        Images are augmented; of a long text beginning and end are shown.
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
        keys, samples = self._train_loader(self._resume_at).sampler, self.train_samples()
        return self.draw_batch([samples[key] for key in islice(keys, count)], columns)

    def _expect(self, split: str) -> None:
        if split not in self.records:
            raise RuntimeError(f'{type(self).__name__}: call setup() first; there are no "{split}" samples yet.')

    def loader(
        self, samples: Any, shuffle: bool = False, order: Mapping[str, Any] | None = None, **loading: Any
    ) -> DataLoader[Any]:
        """A loader of samples; each process takes its part.

        Args:
            samples: The samples.
            shuffle: Whether they are those of a training.
            order: Further arguments of `sampler`.
            loading: Arguments of `DataLoader` that go before the data module's own.

        Raises:
            ValueError: There are fewer samples than processes.
        """
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        if 0 < len(samples) < replicas:
            raise ValueError(
                f"{type(self).__name__}: expected at least {replicas} samples in each split, one per process, got "
                f"{len(samples)}."
            )
        processes = {"num_replicas": replicas, "rank": rank, "first_epoch": self.first_epoch}
        own = {"batch_size": self.micro_batch_size, "collate_fn": self.collate, "num_workers": self.num_workers}
        loading = {**own, **loading}
        return WorkerLoader(
            samples,
            sampler=self.sampler(samples, shuffle, **processes, **(order or {})),
            persistent_workers=loading["num_workers"] > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=start_worker,
            **loading,
        )
