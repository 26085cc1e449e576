"""What the stages of a recipe do with each argument of a Trainer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import (
    BatchSizeFinder,
    LearningRateFinder,
    LearningRateMonitor,
    ModelCheckpoint,
    ModelSummary,
    RichModelSummary,
    Timer,
)
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.profilers import PassThroughProfiler, Profiler
from lightning.pytorch.utilities import rank_zero_info

from triptych.callbacks import ProgressBar, ResumePoint
from triptych.trainer.settings import STEP_ARGUMENTS, refuse_sharded, settings_of

Reader = Callable[[L.Trainer], Any]
"""Reads the value of an argument back from a Trainer, used or not."""


@dataclass(frozen=True)
class Kept:
    """The Trainer of each stage gets the argument as it was given."""

    read: Reader


@dataclass(frozen=True)
class Decided:
    """Set by the stages, as `how` says; a line says so if a value other than None is given."""

    read: Reader
    how: str


@dataclass(frozen=True)
class Refused:
    """Values other than `default` are refused; `advice` says what to do."""

    read: Reader
    default: Any
    advice: str


def _own_callbacks(trainer: L.Trainer) -> list[L.Callback]:
    """The callbacks, without the default ones that a Trainer adds."""
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [one for one in callbacks if not _is_default(one, trainer)]


def _is_default(callback: L.Callback, trainer: L.Trainer) -> bool:
    if type(callback) in (ModelSummary, RichModelSummary):
        return bool(callback._max_depth == 1)  # type: ignore[attr-defined]
    if type(callback) is not ModelCheckpoint:
        return False
    has_folder = callback.dirpath is not None and trainer.state.fn is None  # a fit sets it
    names = ("monitor", "filename", "save_last", "save_top_k", "save_weights_only", "state_key")
    return not has_folder and all(getattr(callback, name) == getattr(ModelCheckpoint(), name) for name in names)


def _own_loggers(trainer: L.Trainer) -> list[Logger]:
    """The loggers, without the default one that a Trainer adds."""
    return [one for one in trainer.loggers if not (type(one) is TensorBoardLogger and _is_lightning_logs(one, trainer))]


def _is_lightning_logs(logger: TensorBoardLogger, trainer: L.Trainer) -> bool:
    return (logger.name, str(logger.save_dir)) == ("lightning_logs", str(trainer.default_root_dir))


def _validation_interval(trainer: L.Trainer) -> Any:
    seconds = trainer._val_check_time_interval  # type: ignore[attr-defined]
    if seconds is not None:
        return timedelta(seconds=seconds)
    interval = trainer.val_check_interval
    return interval if isinstance(interval, int) or interval < 1 else None  # 1.0 is the default


def _max_time(callbacks: Iterable[L.Callback]) -> timedelta | None:
    """The time after which a Timer stops a fit, which is also how a Trainer keeps its `max_time`."""
    seconds = [one._duration for one in callbacks if isinstance(one, Timer) and one._duration is not None]
    return timedelta(seconds=seconds[0]) if seconds else None


def _profiler(trainer: L.Trainer) -> Any:
    profiler: Profiler = trainer.profiler  # type: ignore[attr-defined]
    return None if type(profiler) is PassThroughProfiler else profiler


def _of_step(trainer: L.Trainer, name: str) -> Any:
    return settings_of(trainer).get(name)


def _max_epochs(trainer: L.Trainer) -> int | None:
    return None if trainer.fast_dev_run else trainer.max_epochs  # type: ignore[attr-defined]


def _sanity_steps(trainer: L.Trainer) -> float:
    """None by default, because the plan has run the first batches."""
    return 0 if trainer.num_sanity_val_steps == _DEFAULT_SANITY_STEPS else trainer.num_sanity_val_steps


_DEFAULT_SANITY_STEPS = 2  # Lightning's
_EPOCHS = "set the epochs of each stage, and for a time the budget of the recipe"

ARGUMENTS: dict[str, Kept | Decided | Refused] = {
    **{name: Kept(partial(_of_step, name=name)) for name in STEP_ARGUMENTS},
    "logger": Kept(_own_loggers),
    "callbacks": Kept(_own_callbacks),
    "fast_dev_run": Kept(attrgetter("fast_dev_run")),
    "max_epochs": Decided(_max_epochs, "each stage sets its epochs"),
    "min_epochs": Kept(attrgetter("min_epochs")),
    "max_steps": Refused(lambda trainer: -1 if trainer.fast_dev_run else trainer.max_steps, -1, _EPOCHS),  # type: ignore[attr-defined]
    "min_steps": Kept(attrgetter("min_steps")),
    "max_time": Refused(lambda trainer: _max_time(trainer.callbacks), None, _EPOCHS),  # type: ignore[attr-defined]
    "limit_train_batches": Kept(attrgetter("limit_train_batches")),
    "limit_val_batches": Kept(attrgetter("limit_val_batches")),
    "limit_test_batches": Kept(attrgetter("limit_test_batches")),
    "limit_predict_batches": Kept(attrgetter("limit_predict_batches")),
    "overfit_batches": Kept(attrgetter("overfit_batches")),
    "val_check_interval": Kept(_validation_interval),
    "check_val_every_n_epoch": Kept(attrgetter("check_val_every_n_epoch")),
    "num_sanity_val_steps": Kept(_sanity_steps),
    "log_every_n_steps": Kept(attrgetter("log_every_n_steps")),
    "enable_checkpointing": Decided(
        lambda trainer: None, "each stage saves its last weights, and points to resume from"
    ),
    "enable_progress_bar": Kept(lambda trainer: trainer.progress_bar_callback is not None),
    "enable_model_summary": Kept(lambda trainer: False),  # a summary of one's own is among the callbacks
    "deterministic": Kept(lambda trainer: None),  # a Trainer has set it in torch for the whole process
    "benchmark": Kept(lambda trainer: None),  # likewise
    "inference_mode": Kept(attrgetter("validate_loop.inference_mode")),
    "profiler": Kept(_profiler),
    "detect_anomaly": Kept(attrgetter("_detect_anomaly")),
    "barebones": Refused(attrgetter("barebones"), False, "leave it out: a recipe logs and saves"),
    "reload_dataloaders_every_n_epochs": Kept(attrgetter("reload_dataloaders_every_n_epochs")),
    "default_root_dir": Kept(attrgetter("_default_root_dir")),
    "enable_autolog_hparams": Kept(attrgetter("enable_autolog_hparams")),
    "model_registry": Kept(attrgetter("_model_registry")),
}
"""For each argument of Lightning's Trainer, what becomes of it in a recipe.

`precision` is the default of the first stage. Besides, the stages choose `check_val_every_n_epoch` so that a validation
follows the last epoch.
"""

_REFUSED_CALLBACKS: dict[type[L.Callback], str] = {
    ResumePoint: "set every_n_steps of the recipe, which saves such points itself",
    BatchSizeFinder: "set batch_size of a stage to auto",
    LearningRateFinder: "set max_lr of a stage to find",
}
_MAPPING_DEFAULTS = {"enable_model_summary": False, "num_sanity_val_steps": 0}


def shared_arguments(given: L.Trainer | Mapping[str, Any] | None) -> dict[str, Any]:
    """The Trainer arguments that all stages share: what was given, with lists of `callbacks` and `logger`.

    Args:
        given: A Trainer, which is not changed, or a mapping of Trainer arguments.

    Raises:
        ValueError: An argument or a callback is not possible in a recipe, or a Trainer has no such argument.
    """
    values = _read_back(given) if isinstance(given, L.Trainer) else _of_mapping(given or {})
    refuse_sharded(values.get("strategy"))
    for name, value in values.items():
        rule = ARGUMENTS[name]
        if isinstance(rule, Refused) and value not in (rule.default, None):
            raise ValueError(f"trainer.{name}: expected none in a recipe, got {value}; {rule.advice}.")
        if isinstance(rule, Decided) and value is not None:
            rank_zero_info(f"trainer.{name}: {value} is not used, {rule.how}.")
    for callback in values["callbacks"]:
        for kind, advice in _REFUSED_CALLBACKS.items():
            if isinstance(callback, kind):
                raise ValueError(f"trainer.callbacks: expected no {kind.__name__} in a recipe; {advice}.")
    return {name: value for name, value in values.items() if isinstance(ARGUMENTS[name], Kept)}


def _read_back(trainer: L.Trainer) -> dict[str, Any]:
    values = {name: rule.read(trainer) for name, rule in ARGUMENTS.items() if name not in STEP_ARGUMENTS}
    return {**values, **settings_of(trainer)}


def _of_mapping(given: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := [name for name in given if name not in ARGUMENTS]:
        raise ValueError(f"trainer: expected arguments of Lightning's Trainer, got {unknown[0]}.")
    logger = given.get("logger")
    callbacks = given.get("callbacks", _default_callbacks(given))
    loggers = [] if logger is None or isinstance(logger, bool) else _listed(logger)
    lists = {"logger": loggers, "callbacks": _listed(callbacks)}
    return {**_MAPPING_DEFAULTS, "max_time": _max_time(lists["callbacks"]), **given, **lists}


def _listed(one_or_more: Any) -> list[Any]:
    return list(one_or_more) if isinstance(one_or_more, Iterable) else [] if one_or_more is None else [one_or_more]


def _default_callbacks(given: Mapping[str, Any]) -> list[L.Callback]:
    bar = [ProgressBar()] if given.get("enable_progress_bar", True) else []
    return [*bar, LearningRateMonitor("step", log_momentum=True)]
