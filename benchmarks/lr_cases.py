"""Collects what the comparison of learning-rate rules needs: for each case and seed a search's curve and short fits.

A case is a task, made-up or real data, an encoder, an image size, and the encoder frozen or unfrozen. Each case
and seed is one small JSON file. A collection that was stopped goes on with the files that are missing.
"""

import copy
import itertools
import json
import logging
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader
from train_step import LOSSES

from triptych import (
    BIWIDataModule,
    CamVidDataModule,
    MultiLabelClassifier,
    PlanetDataModule,
    PointRegressor,
    UNetSegmenter,
    find_lr,
)
from triptych.datamodules.base import TriptychDataModule
from triptych.datasets.sample import Sample
from triptych.files import atomic_save
from triptych.lr_finder import LRSearch, read_curve
from triptych.lr_finder.race import raced
from triptych.lr_finder.sweep import losses_at
from triptych.synthetic import make_portraits, make_streets, make_tiles
from triptych.tasks.base import TransferTask

GRID = [float(f"{10**power:.5g}") for power in (-5, -4, -3.5, *np.arange(-18, -7) / 6, -1, -0.5)]
"""Peak rates of the fits, with the digits that a file keeps; denser where the best ones are."""
START, END, SEARCH_STEPS = 1e-7, 10.0, 100
BATCH_SIZE, HELD_OUT, FIT_STEPS = 8, 64, 40
TRAINER: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}
DATA = ("made-up", "real")
FROZEN = {"frozen": -1, "unfrozen": 0}
ENCODERS = ("timm-tf_efficientnet_lite0", "timm-tf_efficientnet_lite1")
SIZES = ((48, 64), (96, 128))
SEEDS = 3


class Task(NamedTuple):
    """A task, and how to make its data up."""

    model: Callable[..., TransferTask]
    data: Callable[..., TriptychDataModule]
    make: Callable[..., Path]


TASKS = {
    "biwi": Task(PointRegressor, BIWIDataModule, partial(make_portraits, frames_per_person=40)),
    "planet": Task(MultiLabelClassifier, PlanetDataModule, make_tiles),
    "camvid": Task(UNetSegmenter, CamVidDataModule, partial(make_streets, num_frames=300)),
}


class Key(NamedTuple):
    """A case and a seed."""

    seed: int
    image_size: tuple[int, int]
    encoder: str
    where: str
    task: str
    state: str

    @property
    def case(self) -> str:
        """The case's name, without the seed."""
        height, width = self.image_size
        return f"{self.task}, {self.where}, {self.state}, {self.encoder.rpartition('_')[2]}, {height}x{width}"

    @property
    def colour(self) -> int:
        """0 or 1; of two cases that differ in one thing one is of either colour, as on a chess board."""
        values = zip(self[1:], (SIZES, ENCODERS, DATA, list(TASKS), list(FROZEN)), strict=True)
        return sum(known.index(value) for value, known in values) % 2  # type: ignore[arg-type]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.case.replace(', ', '_')}_{self.seed}.json"


@dataclass(frozen=True)
class Record:
    """What was measured for a case and a seed.

    Args:
        case: The case's name.
        seed: The seed.
        search: Loss at each step of the search, up to where it diverged.
        before: Held-out loss before training.
        fits: Held-out loss after a fit, by its peak rate; infinite if the fit ended with NaN.
        trials: Loss at each step of each trial of a race, up to where it diverged; empty until they were run.
    """

    case: str
    seed: int
    search: list[float]
    before: float
    fits: dict[float, float]
    trials: list[list[float]]

    @property
    def searched(self) -> LRSearch:
        """What the rules of a curve suggest."""
        return read_curve(self.rates, self.search)

    @property
    def missing_rates(self) -> list[float]:
        """Rates of the grid without a fit."""
        return [rate for rate in GRID if rate not in self.fits]

    @property
    def rates(self) -> list[float]:
        """Rate at each step of the search."""
        rates: list[float] = np.geomspace(START, END, SEARCH_STEPS).tolist()
        return rates[: len(self.search)]

    def save(self, path: Path) -> None:
        """Writes a JSON file, with five digits of each number and None for what is not finite."""
        text = json.dumps(_plain(asdict(self)), allow_nan=False) + "\n"
        atomic_save(path, lambda part: part.write_text(text, encoding="utf-8"))

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Reads what `save` wrote."""
        saved = json.loads(path.read_text(encoding="utf-8"))
        search = [_loss(loss) for loss in saved["search"]]
        fits = {float(rate): _loss(loss) for rate, loss in saved["fits"].items()}
        trials = [[_loss(loss) for loss in trial] for trial in saved["trials"]]
        return cls(**{**saved, "search": search, "fits": fits, "trials": trials})


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    return value


def _loss(saved: float | None) -> float:
    return math.inf if saved is None else saved


class SeedData(NamedTuple):
    """The data of one seed: metadata for the model, training batches, and one large held-out batch."""

    metadata: dict[str, Any]
    batches: DataLoader[Sample]
    held_out: Sample


def seed_data(task: str, root: Path, image_size: tuple[int, int], seed: int) -> SeedData:
    """Reads the data of a seed, once for all of its fits."""
    data = TASKS[task].data(str(root), image_size=image_size, batch_size=BATCH_SIZE, seed=seed)
    data.setup("fit")
    loader: Any = data.train_dataloader()

    def whole_batches() -> Iterator[Sample]:
        for epoch in itertools.count():
            loader.sampler.set_epoch(epoch)
            yield from (batch for batch in loader if len(batch["image"]) == BATCH_SIZE)

    batches: Any = list(itertools.islice(whole_batches(), FIT_STEPS))
    data.batch_size = HELD_OUT
    return SeedData(data.metadata, DataLoader(batches, batch_size=None), next(iter(data.val_dataloader())))


def fit(model: TransferTask, batches: DataLoader[Sample], rate: float, seed: int) -> None:
    """One cycle over the batches, with `rate` as its peak."""
    L.seed_everything(seed, verbose=False)
    model.retune(max_lr=rate)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    L.Trainer(**TRAINER, **quiet, enable_model_summary=False, limit_val_batches=0, max_epochs=1).fit(model, batches)


@torch.no_grad()
def held_out_loss(task: str, model: TransferTask, held_out: Sample) -> float:
    """The loss in evaluation mode; afterwards the model is in training mode, as Lightning's fit expects."""
    loss = float(LOSSES[task](model.eval(), held_out))
    model.train()
    return loss


def build(key: Key, data: SeedData) -> TransferTask:
    """The model of a case, the same each time."""
    L.seed_everything(key.seed, verbose=False)
    model = TASKS[key.task].model(encoder=key.encoder, freeze_to=FROZEN[key.state], **data.metadata)
    model.configure_callbacks = list  # type: ignore[method-assign,assignment]  # no report in the terminal
    return model


def begin(key: Key, data: SeedData) -> Record:
    """A record of the search alone; fits and trials are still to be run."""
    model = build(key, data)
    before = held_out_loss(key.task, model, data.held_out)
    search = find_lr(TRAINER, model, data.batches, START, END, SEARCH_STEPS)
    return Record(key.case, key.seed, search.losses, before, {}, [])


def fits(key: Key, data: SeedData, rates: Sequence[float]) -> dict[float, float]:
    """The held-out loss after a fit at each rate, from the same weights and with the same batches."""
    model = build(key, data)
    fresh = copy.deepcopy(model.state_dict())
    losses = {}
    for rate in rates:
        model.load_state_dict(fresh)
        fit(model, data.batches, rate, key.seed)
        losses[rate] = held_out_loss(key.task, model, data.held_out)
    return losses


def trials(key: Key, data: SeedData, search: LRSearch) -> list[list[float]]:
    """The losses of the trials of a race, in their order."""
    model, losses = build(key, data), list[list[float]]()

    def train(rates: list[float]) -> list[float]:
        losses.append(losses_at(TRAINER, model, data.batches, rates))
        return losses[-1]

    raced(search, train, SEARCH_STEPS)
    return losses


def keys() -> list[Key]:
    """All cases and seeds; the first dozen are all tasks, data and states, the others vary encoder, size and seed."""
    return [Key(*values) for values in itertools.product(range(SEEDS), SIZES, ENCODERS, DATA, TASKS, FROZEN)]


def collect(folder: Path, real: Path, only: str = "") -> None:
    """Measures what `folder` lacks.

    Args:
        folder: Gets a file for each case and seed.
        real: Holds the real data in `biwi`, `planet` and `camvid`; those that are missing are left out.
        only: Measures only cases whose names contain this.
    """
    _quiet()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [key for key in keys() if only in key.case and is_missing(folder / key.file)]
    with tempfile.TemporaryDirectory() as made_up:
        for (seed, image_size, _, where, task), some in itertools.groupby(missing, key=lambda key: key[:5]):
            root = (real if where == "real" else Path(made_up, "x".join(map(str, image_size)))) / task
            if where == "made-up" and not root.exists():
                TASKS[task].make(root, image_size=image_size)
            if root.is_dir():
                data = seed_data(task, root, image_size, seed)
                for key in some:
                    complete(folder / key.file, key, data)


def is_missing(path: Path) -> bool:
    """Whether anything of a case and seed is still to be measured."""
    if not path.exists():
        return True
    record = Record.load(path)
    return not record.trials or bool(record.missing_rates)


def complete(path: Path, key: Key, data: SeedData) -> None:
    """Measures what the file of a case and seed lacks."""
    start = time.perf_counter()
    if not path.exists():
        begin(key, data).save(path)
    record = Record.load(path)
    if record.missing_rates:
        all_fits = {**record.fits, **fits(key, data, record.missing_rates)}
        record = replace(record, fits=dict(sorted(all_fits.items())))
        record.save(path)
    if not record.trials:
        replace(record, trials=trials(key, data, record.searched)).save(path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)


def _quiet() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for words in ("LeafSpec.* is deprecated", "does not have many workers", "have no `val_dataloader`"):
        warnings.filterwarnings("ignore", message=f".*{words}")
