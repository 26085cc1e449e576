"""The plan of a recipe: what each stage will do and cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning as L

from triptych.callbacks import Mistakes
from triptych.lr_finder import DEFAULT_RATE, asks_to_find, with_found
from triptych.optim import group_rates
from triptych.recipe.data_settings import set_in_data
from triptych.recipe.features import features_tried
from triptych.recipe.measure import TIMED, TIMED_VALIDATION, WARM_UP, Stopwatch
from triptych.recipe.stage import LAST, FullStage
from triptych.tasks.base import TransferTask
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.memory import PeakMemory
from triptych.trainer.temporary_fit import temporary_fit

_SEARCH_STEPS = 100
_MISTAKES_COST = 2
"""Cost of the `Mistakes` callback in validations: a pass over the samples, and two figures."""


@dataclass(frozen=True)
class StagePlan:
    """The estimated cost of a stage.

    Args:
        stage: The stage.
        trainable: Number of trainable parameters.
        parameters: Number of all parameters.
        steps: Number of optimizer steps per epoch.
        seconds_besides: Estimated seconds outside epochs and validations: start of the workers, losses of the training
            samples, range test, and figures of the mistakes.
        seconds_per_epoch: Estimated seconds of an epoch, without validation.
        seconds_per_validation: Estimated seconds of the validations of an epoch that is validated.
        validate_every: Maximum number of epochs per validation, the Trainer's `check_val_every_n_epoch`.
        memory: Estimated peak memory in bytes; see `PeakMemory`.
        micro_batches: Number of parts in which a batch is loaded, with the gradients accumulated.
        seconds_after: The part of `seconds_besides` that follows the training: the figures.
        views: Maximum number of views whose features are cached.
        seconds_per_view: Estimated seconds in which the encoder computes one view of all samples.
        bytes_per_view: Bytes of its features, on disk.
    """

    stage: FullStage
    trainable: int
    parameters: int
    steps: int
    seconds_besides: float
    seconds_per_epoch: float
    seconds_per_validation: float
    validate_every: int
    memory: int
    micro_batches: int = 1
    seconds_after: float = 0.0
    views: int = 0
    seconds_per_view: float = 0.0
    bytes_per_view: int = 0

    def apply(
        self, model: OneCycleTraining, data: L.LightningDataModule, max_lr: Any, losses: Path | None = None
    ) -> None:
        """Sets up model and data as `FullStage.apply` does, with the micro-batches of the plan."""
        self.stage.apply(model, data, max_lr, losses)
        set_in_data(data, micro_batches=self.micro_batches)

    @property
    def epochs_per_validation(self) -> int:
        """Number of epochs per validation, so that a validation follows the last epoch."""
        epochs = self.stage.epochs
        return max(every for every in range(1, min(self.validate_every, epochs) + 1) if epochs % every == 0)

    @property
    def num_views(self) -> int:
        """Number of views whose features are cached; an epoch uses one."""
        return min(self.views, self.stage.epochs)

    @property
    def seconds(self) -> float:
        """Estimated seconds of the whole stage."""
        validations = self.stage.epochs // self.epochs_per_validation
        training = self.stage.epochs * self.seconds_per_epoch
        before = self.seconds_besides + self.num_views * self.seconds_per_view
        return before + training + validations * self.seconds_per_validation

    @property
    def seconds_of_epoch(self) -> float:
        """Estimated seconds of an epoch, with its part of the validations."""
        return self.seconds_per_epoch + self.seconds_per_validation / self.epochs_per_validation

    def rates(self, groups: Sequence[str]) -> dict[str, float]:
        """Peak rate by layer group; empty if it is still to be found."""
        if asks_to_find(self.stage.max_lr):
            return {}
        return dict(zip(groups, group_rates(self.stage.max_lr, groups), strict=True))


def plan_stage(
    stage: FullStage,
    model: OneCycleTraining,
    data: L.LightningDataModule,
    settings: Mapping[str, Any],
    micro_batches: int = 1,
) -> StagePlan:
    """Runs a few steps of a stage, undoes them, and estimates the cost of the whole stage.

    Args:
        stage: The stage.
        model: The model, which is restored.
        data: The data, which are restored.
        settings: See `shared_arguments`.
        micro_batches: Number of parts in which a batch is loaded.

    Raises:
        ValueError: `val_check_interval` is a number of batches that an epoch of the stage does not have.
    """
    to_find = asks_to_find(stage.max_lr)
    accumulated = settings.get("accumulate_grad_batches", 1)
    steps = math.ceil((WARM_UP + TIMED) / (accumulated * micro_batches))
    with stage.applied(model, data, with_found(stage.max_lr, DEFAULT_RATE)):
        set_in_data(data, micro_batches=micro_batches)
        peak = PeakMemory()
        with features_tried(stage, model, data, settings) as view:
            watch = Stopwatch(steps, micro_batches)
            one_fit = {**settings, "precision": stage.precision}
            temporary_fit(one_fit, model, data, watch, max_steps=steps, limit_val_batches=TIMED_VALIDATION + 1)
        trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    overfit = settings.get("overfit_batches") or None
    train_batches = _limited(watch.train_batches, overfit or settings.get("limit_train_batches"))
    val_batches = _limited(watch.val_batches, overfit or settings.get("limit_val_batches"))
    validations = _validations(stage.name, train_batches, settings) if val_batches else 0
    search = watch.start + _SEARCH_STEPS * accumulated * watch.train_batch if to_find else 0.0
    losses = train_batches * watch.val_batch if stage.sample_weights == LAST else 0.0
    callbacks = settings.get("callbacks") or ()
    draws = isinstance(model, TransferTask) and any(isinstance(callback, Mistakes) for callback in callbacks)
    mistakes = _MISTAKES_COST * val_batches * watch.val_batch if draws else 0.0
    return StagePlan(
        stage=stage,
        trainable=trainable,
        parameters=sum(p.numel() for p in model.parameters()),
        steps=math.ceil(train_batches / accumulated),
        seconds_besides=watch.start + losses + search + mistakes,
        seconds_per_epoch=train_batches * watch.train_batch,
        seconds_per_validation=validations * val_batches * watch.val_batch,
        validate_every=settings.get("check_val_every_n_epoch") or 1,
        memory=peak.bytes(),
        micro_batches=micro_batches,
        seconds_after=mistakes,
        views=stage.cache_features or 0,
        seconds_per_view=view.seconds,
        bytes_per_view=view.num_bytes,
    )


def _limited(batches: int, limit: float | None) -> int:
    """Number of batches per epoch under the Trainer's `limit_..._batches`, a number or a fraction."""
    if limit is None:
        return batches
    return min(batches, limit) if isinstance(limit, int) else int(batches * limit)


def _validations(name: str, batches: int, settings: Mapping[str, Any]) -> float:
    """Number of validations per epoch of so many batches under the Trainer's `val_check_interval`; 1 for a time."""
    interval = settings.get("val_check_interval")
    if not isinstance(interval, (int, float)) or not interval or not batches:
        return 1
    if settings.get("check_val_every_n_epoch", 1) is None:
        return batches / interval
    if isinstance(interval, int) and interval > batches:
        raise ValueError(
            f"stages: {name}: val_check_interval: expected at most {batches}, the batches of its epochs, "
            f"got {interval}; or set check_val_every_n_epoch to None."
        )
    return batches // (interval if isinstance(interval, int) else max(1, int(batches * interval)))


def replace_epochs(plan: StagePlan, epochs: int) -> StagePlan:
    """The plan with another number of epochs."""
    return replace(plan, stage=replace(plan.stage, epochs=epochs))
