"""The features of a frozen encoder, computed before the head trains on them."""

import contextlib
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, cast

import lightning as L
import torch
from torch.utils.data import DataLoader

from triptych.datamodules.images import ImageDataModule
from triptych.datamodules.stored_views import StoredViews
from triptych.datamodules.worker import WorkerLoader, start_worker
from triptych.files import remove_empty
from triptych.models.network import TransferNetwork
from triptych.recipe.data_settings import set_in_data
from triptych.recipe.stage import FullStage
from triptych.tasks.images import ImageTask
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.cycle import stop_schedules
from triptych.trainer.stop import stop_if_asked
from triptych.trainer.temporary_fit import temporary_fit

_AT_ONCE = 32
"""Most samples that the encoder takes at once, however many parts a batch is loaded in: other batches give other last
bits, and a resumed stage would end with other weights."""
_TRIED = 6
"""Batches of a measurement; the first waits for the workers."""


class ViewCost(NamedTuple):
    """Cost of a view of all samples."""

    seconds: float
    num_bytes: int


@contextlib.contextmanager
def features_cached(
    path: Path,
    num_views: int,
    stage: FullStage,
    model: OneCycleTraining,
    data: L.LightningDataModule,
    settings: Mapping[str, Any],
) -> Iterator[None]:
    """Within the context, fits read the features of the training samples in place of their images.

    The file is removed at the end. One that a killed process left is replaced.

    Args:
        path: The file.
        num_views: Number of views of each sample; 0 does nothing.
        stage: The stage, which has set up model and data.
        model: The model.
        data: The data.
        settings: See `shared_arguments`.

    Raises:
        ValueError: There are several processes.
        OSError: The file cannot be written.
    """
    if not num_views:
        yield
        return
    images = cast(ImageDataModule, data)
    views = StoredViews(path, images.num_train, num_views, images.first_epoch, stored=images.num_train)
    try:
        with _fixed_norms():
            _encode(views, stage, model, images, settings)
            set_in_data(data, stored_views=views)
            yield
    finally:
        set_in_data(data, stored_views=None)
        path.unlink(missing_ok=True)
        remove_empty([path.parent])


@contextlib.contextmanager
def features_tried(
    stage: FullStage, model: OneCycleTraining, data: L.LightningDataModule, settings: Mapping[str, Any]
) -> Iterator[ViewCost]:
    """Within the context, fits read features of a few samples, which stand for all; gives their cost.

    Args:
        stage: The stage, which has set up model and data.
        model: The model.
        data: The data.
        settings: See `shared_arguments`.

    Raises:
        ValueError: There are several processes.
    """
    if stage.cache_features is None:
        yield ViewCost(0.0, 0)
        return
    images = cast(ImageDataModule, data)
    at_once, total = min(_at_once(stage), images.num_train), images.num_train
    with tempfile.TemporaryDirectory() as folder, _fixed_norms():
        views = StoredViews(Path(folder, "features"), total, 1, 0, stored=min(total, _TRIED * at_once))
        times = _encode(views, stage, model, images, settings)
        set_in_data(data, stored_views=views)
        try:
            seconds = median(after - before for before, after in pairwise(times)) / at_once
            yield ViewCost(seconds * total, views.bytes_per_sample * total)
        finally:
            set_in_data(data, stored_views=None)


@contextlib.contextmanager
def _fixed_norms() -> Iterator[None]:
    """Keeps Lightning from warning of batch-norms in evaluation mode, which is what a fixed batch-norm is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Found \d+ module\(s\) in eval mode")
        yield


def _at_once(stage: FullStage) -> int:
    assert stage.batch_size is not None
    return min(stage.batch_size, _AT_ONCE)


def _encode(
    views: StoredViews, stage: FullStage, model: OneCycleTraining, data: ImageDataModule, settings: Mapping[str, Any]
) -> list[float]:
    """Writes all samples of `views`; gives the times at which each batch began and the last one ended."""
    loader: DataLoader[Any] = WorkerLoader(
        data.train_samples(),
        batch_size=_at_once(stage),
        sampler=views.keys,
        collate_fn=data.collate,
        num_workers=data.num_workers,
        worker_init_fn=start_worker,
    )
    encoding = _Encoding(views, loader)
    temporary_fit({**settings, "precision": stage.precision}, model, data, encoding, max_steps=1)
    return encoding.times


class _Encoding(L.Callback):
    """Passes samples through the encoder of a fit, in its precision and on its device, and ends the fit."""

    def __init__(self, views: StoredViews, loader: DataLoader[Any]) -> None:
        self.views, self.loader = views, loader
        self.times = [time.perf_counter()]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        model = cast(ImageTask, pl_module)
        stop_schedules(trainer)  # no step follows
        network = cast(TransferNetwork, model.built().eval())
        if trainer.world_size > 1:
            raise ValueError(f"cache_features: expected one process, got {trainer.world_size}; leave it out.")
        with torch.no_grad():
            for batch in self.loader:
                checked = model.on_before_batch_transfer(batch, 0)
                with trainer.precision_plugin.forward_context():
                    images = trainer.strategy.batch_to_device(checked["image"])
                    self.views.append(checked, network.encode(images))
                self.times.append(time.perf_counter())
                stop_if_asked(trainer)
        trainer.should_stop = True
