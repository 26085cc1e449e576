"""The sweep: a few steps with a rising rate, undone afterwards.

Sources: Smith, "Cyclical learning rates", 2017; fastai 2.8's `lr_find`.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import lightning as L
import torch
from torch import Tensor

from triptych.lr_finder.curve import DEFAULT_RATE, LRSearch, has_diverged, read_curve
from triptych.lr_finder.max_lr import asks_to_find, with_found
from triptych.lr_finder.race import MIN_STEPS, raced
from triptych.lr_finder.rules import DEFAULT_RULE, RACE, RULES, Rule, check_rule
from triptych.optim.max_lr import rates_in
from triptych.trainer.cycle import stop_schedules
from triptych.trainer.temporary_fit import temporary_fit


def find_lr(
    trainer_or_settings: L.Trainer | Mapping[str, Any],
    model: L.LightningModule,
    datamodule: Any,
    start: float = 1e-7,
    end: float = 10.0,
    num_steps: int = 100,
    rule: Rule = DEFAULT_RULE,
) -> LRSearch:
    """Range test: trains a few steps with an exponentially rising rate, undoes them, and reads the curve.

    It starts from the model's current state, trained or not, frozen or not. The rate is that of the optimizer's last
    group; the others keep their ratio to it. Neither schedule nor validation runs. All processes get the same result.

    Args:
        trainer_or_settings: See `triptych.trainer.temporary_fit.temporary_fit`.
        model: Any LightningModule with automatic optimization and one optimizer.
        datamodule: The data, as `Trainer.fit` takes them.
        start: First rate, above 0.
        end: Last rate.
        num_steps: Steps of the optimizer, at least 2; the sweep ends earlier if the loss diverges.
        rule: The rule whose suggestion is used; see `RULES`. "race" trains at several rates, which takes three times
            the steps; see `triptych.lr_finder.race`.

    Raises:
        ValueError: An argument is out of range, or the model uses manual optimization.
    """
    if not 0 < start < end < math.inf:
        raise ValueError(f"start, end: expected two rates with 0 < start < end, got {start} and {end}.")
    if num_steps < 2:
        raise ValueError(f"num_steps: expected at least 2, got {num_steps}.")
    check_rule(rule, (*RULES, RACE))
    if rule == RACE and num_steps < MIN_STEPS:
        raise ValueError(f"num_steps: expected at least {MIN_STEPS} for a race, got {num_steps}.")
    if not model.automatic_optimization:
        raise ValueError("model: expected automatic optimization, got a model that steps its optimizers itself.")
    rates = [start * (end / start) ** (i / (num_steps - 1)) for i in range(num_steps)]
    train = partial(losses_at, trainer_or_settings, model, datamodule)
    kept = _kept_rate(model.hparams.get("max_lr"))
    with plain_rates(model):
        losses = train(rates)
        search = read_curve(rates[: len(losses)], losses, DEFAULT_RULE if rule == RACE else rule, kept)
        return raced(search, train, num_steps) if rule == RACE else search


def losses_at(
    trainer_or_settings: L.Trainer | Mapping[str, Any], model: L.LightningModule, datamodule: Any, rates: list[float]
) -> list[float]:
    """The loss at each step of a fit with these rates, which is undone; it ends earlier if the loss diverges.

    Args:
        trainer_or_settings: As in `find_lr`, like what follows.
        model: Its own `max_lr` must be numbers.
        datamodule: The data.
        rates: Rate of the last group at each step; at 0 the network is in evaluation mode.
    """
    sweep = _Sweep(rates)
    temporary_fit(trainer_or_settings, model, datamodule, sweep, len(rates))
    return sweep.losses


def _kept_rate(max_lr: Any) -> float:
    """The head's rate if it is a number, else the default."""
    last = (rates_in(max_lr) or [None])[-1]
    return float(last) if isinstance(last, (int, float)) and last > 0 else DEFAULT_RATE


@contextlib.contextmanager
def plain_rates(model: L.LightningModule) -> Iterator[None]:
    """Replaces strings in the model's `max_lr` by numbers, so that it can build its optimizer, within the context."""
    original = model.hparams.get("max_lr")
    if not asks_to_find(original):
        yield
        return
    initial = model.hparams_initial.get("max_lr", original)
    model.hparams["max_lr"] = with_found(original, DEFAULT_RATE)
    try:
        yield
    finally:
        model.hparams["max_lr"] = original
        # a model that took metadata from the data during the fit has saved the numbers as initial ones
        vars(model).get("_hparams_initial", {}).update(max_lr=initial)


class _Sweep(L.Callback):
    """Sets the rate of each optimizer step and records its loss, until the loss diverges.

    Args:
        rates: Rate of the last group at each step; at 0 the network is in evaluation mode.
    """

    def __init__(self, rates: list[float]) -> None:
        self.rates, self.losses = rates, list[float]()
        self.window: list[Tensor] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        peaks = [_peak(group) for group in trainer.optimizers[0].param_groups]
        self.ratios = [peak / peaks[-1] if peaks[-1] > 0 else 1.0 for peak in peaks]
        self.step = trainer.global_step
        stop_schedules(trainer)
        self._set_rate(trainer)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.rates[len(self.losses)] == 0:
            pl_module.eval()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if outputs:  # empty if the training step returned None
            self.window.append(outputs["loss"])
        if trainer.global_step == self.step or not self.window:
            return
        # Lightning divides each loss by the number of batches in a full window
        loss = trainer.accumulate_grad_batches * torch.stack(self.window).float().mean()
        self.losses.append(float(trainer.strategy.reduce(loss, reduce_op="mean")))
        self.window, self.step = [], trainer.global_step
        if has_diverged(self.losses):
            trainer.should_stop = True
        elif len(self.losses) < len(self.rates):
            self._set_rate(trainer)

    def _set_rate(self, trainer: L.Trainer) -> None:
        rate = self.rates[len(self.losses)]
        for group, ratio in zip(trainer.optimizers[0].param_groups, self.ratios, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(ratio * rate)
            else:
                group["lr"] = ratio * rate


def _peak(group: dict[str, Any]) -> float:
    """The peak rate of a group: its schedule's, else its initial rate."""
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))
