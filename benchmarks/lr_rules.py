"""Which of the learning-rate finder's four rules suggests the rate that trains best?

A case is a task, made-up or real data, and the encoder frozen or unfrozen. In each case a one-cycle fit of a few steps
is trained at each rule's rate and at each rate of a grid. All losses are those on held-out samples:

    regret of a rule = (loss - best loss) / (loss before - best loss)

A fit that gains nothing, or ends with NaN, counts with the loss before training. Prints a Markdown table, the same each
time; `docs/lr_rules.md` shows one.

python benchmarks/lr_rules.py [--real DIR] [--steps N] [--seeds N] [--only WORD]     DIR holds camvid, biwi or planet
"""

import argparse
import copy
import itertools
import logging
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import lightning as L
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
from triptych.lr_finder import RULES
from triptych.synthetic import make_portraits, make_streets, make_tiles
from triptych.tasks.base import TransferTask

GRID = [10 ** (half / 2) for half in range(-10, -1)]
BATCH_SIZE, HELD_OUT = 8, 64
ENCODER = "timm-tf_efficientnet_lite0"
TRAINER: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "precision": "32-true"}
FROZEN = {"frozen": -1, "unfrozen": 0}


class Task(NamedTuple):
    """A task on small images."""

    model: Callable[..., TransferTask]
    data: Callable[..., TriptychDataModule]
    image_size: tuple[int, int]
    make: Callable[..., Path]


TASKS = {
    "camvid": Task(UNetSegmenter, CamVidDataModule, (96, 128), partial(make_streets, num_frames=300)),
    "biwi": Task(PointRegressor, BIWIDataModule, (60, 80), partial(make_portraits, frames_per_person=40)),
    "planet": Task(MultiLabelClassifier, PlanetDataModule, (64, 64), make_tiles),
}


class SeedData(NamedTuple):
    """The data of one seed: metadata for the model, training batches, and one large held-out batch."""

    metadata: dict[str, Any]
    batches: DataLoader[Sample]
    held_out: Sample


@dataclass(frozen=True)
class Case:
    """The losses of a case.

    Args:
        name: Task, data, and frozen or unfrozen.
        before: Loss before training.
        losses: Loss after training, by rate; the rates of all rules are among them.
        rates: Suggested rate, by rule.
        kept: Whether the curve suggested nothing, so that all rules keep the model's rate.
    """

    name: str
    before: float
    losses: Mapping[float, float]
    rates: Mapping[str, float]
    kept: bool = False

    @property
    def best(self) -> float:
        """The rate with the lowest loss."""
        return min(self.losses, key=self.losses.__getitem__)

    def excess(self, rule: str) -> float:
        """Loss at a rule's rate minus the best loss."""
        return self.losses[self.rates[rule]] - self.losses[self.best]

    def regret(self, rule: str) -> float:
        """The excess as a fraction of what the best fit gained; 0 if no fit gained anything."""
        gain = self.before - self.losses[self.best]
        return self.excess(rule) / gain if gain > 0 else 0.0

    def row(self) -> str:
        """A row of the table."""
        cells = [f"{self.rates[rule]:.1e}: {self.excess(rule):.4f} ({self.regret(rule):.0%})" for rule in RULES]
        name = f"{self.name} (rate kept)" if self.kept else self.name
        return _row(name, f"{self.before:.4f}", f"{self.losses[self.best]:.4f} at {self.best:.1e}", *cells)


def worst_regrets(cases: Sequence[Case]) -> dict[str, float]:
    """The worst regret of each rule."""
    return {rule: max(case.regret(rule) for case in cases) for rule in RULES}


def least_worst(cases: Sequence[Case]) -> str:
    """The rule with the smallest worst regret."""
    worst = worst_regrets(cases)
    return min(worst, key=worst.__getitem__)


def counted(loss: float, before: float) -> float:
    """The loss after a fit, or the one before if the fit gained nothing or ended with NaN."""
    return min(loss, before) if math.isfinite(loss) else before


def seed_data(task: str, root: Path, seed: int, steps: int) -> SeedData:
    """Reads the data of a seed, once for all of its fits."""
    data = TASKS[task].data(str(root), image_size=TASKS[task].image_size, batch_size=BATCH_SIZE, seed=seed)
    data.setup("fit")
    loader: Any = data.train_dataloader()

    def whole_batches() -> Iterator[Sample]:
        for epoch in itertools.count():
            loader.sampler.set_epoch(epoch)
            yield from (batch for batch in loader if len(batch["image"]) == BATCH_SIZE)

    batches: Any = list(itertools.islice(whole_batches(), steps))
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


def run_case(name: str, task: str, freeze_to: int, data: Sequence[SeedData]) -> Case:
    """Searches with the first seed, then fits at every rate with every seed."""
    losses_before: list[float] = []
    losses: dict[float, list[float]] = {}
    for seed, (metadata, batches, held_out) in enumerate(data):
        L.seed_everything(seed, verbose=False)
        model = TASKS[task].model(encoder=ENCODER, freeze_to=freeze_to, **metadata)
        model.configure_callbacks = list  # type: ignore[method-assign,assignment]  # no report in the terminal
        fresh = copy.deepcopy(model.state_dict())
        losses_before.append(held_out_loss(task, model, held_out))
        if seed == 0:
            search = find_lr(TRAINER, model, batches)
            rates = search.suggestions or dict.fromkeys(RULES, search.rate)
        for rate in sorted({*GRID, *rates.values()}):
            model.load_state_dict(fresh)
            fit(model, batches, rate, seed)
            loss = counted(held_out_loss(task, model, held_out), losses_before[-1])
            losses.setdefault(rate, []).append(loss)
    means = {rate: fmean(of_seeds) for rate, of_seeds in losses.items()}
    return Case(name, fmean(losses_before), means, rates, kept=not search.suggestions)


def cases(options: argparse.Namespace, folder: Path) -> Iterator[Case]:
    """All cases whose name contains `options.only`."""
    for task, where in itertools.product(TASKS, ("made-up", "real")):
        names = [f"{task}, {where}, {state}" for state in FROZEN]
        root = folder / task if where == "made-up" else Path(options.real or "", task)
        wanted = [name for name in names if options.only in name]
        if not wanted or (where == "real" and not (options.real and root.is_dir())):
            continue
        if where == "made-up":
            TASKS[task].make(root, image_size=TASKS[task].image_size)
        data = [seed_data(task, root, seed, options.steps) for seed in range(options.seeds)]
        for name in wanted:
            start = time.perf_counter()
            yield run_case(name, task, FROZEN[name.split(", ")[-1]], data)
            print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", metavar="DIR", help="folder that holds camvid, biwi or planet")
    parser.add_argument("--steps", type=int, default=60, help="steps of each fit")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds to average over")
    parser.add_argument("--only", metavar="WORD", default="", help="only cases with this in their name, such as camvid")
    return parser.parse_args()


def main() -> None:
    options = _options()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for words in ("LeafSpec.* is deprecated", "does not have many workers", "have no `val_dataloader`"):
        warnings.filterwarnings("ignore", message=f".*{words}")
    done: list[Case] = []
    print(_row("case", "before", "best", *(f"{rule}: excess loss (regret)" for rule in RULES)))
    print(_row(*["---"] * (3 + len(RULES))), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(options, Path(folder)):
            done.append(case)
            print(case.row(), flush=True)
    if done:
        print(_row("worst", "", "", *(f"{regret:.0%}" for regret in worst_regrets(done).values())))
        print(f"\nsmallest worst regret: {least_worst(done)}")


if __name__ == "__main__":
    main()
