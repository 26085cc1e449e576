"""Runs a recipe: stage after stage in one folder, and on from where it was killed."""

import copy
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint, LearningRateMonitor, ModelSummary
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from triptych.callbacks import ProgressBar, ResumePoint, ScoreReport
from triptych.checkpoints import read_checkpoint, whole_one
from triptych.datamodules.base import TriptychDataModule
from triptych.lr_finder import DEFAULT_RATE, LRSearch, asks_to_find, find_lr, with_found
from triptych.quiet import no_info
from triptych.recipe.logger import ContinuedLogger
from triptych.recipe.memory import PeakMemory
from triptych.recipe.plan import StagePlan, fit_budget, plan_stage, read_budget
from triptych.recipe.stage import Stage, fill, what_changed
from triptych.recipe.state import RecipeState, StageResult
from triptych.show.recipe_table import plan_table, result_table
from triptych.tasks.base import TransferTask
from triptych.trainer_settings import settings_of

_OWN = (
    *("max_epochs", "max_steps", "max_time", "precision", "logger", "callbacks"),
    *("enable_checkpointing", "enable_model_summary", "num_sanity_val_steps"),
)
"""Arguments of a Trainer that the stages decide."""
_ALSO = ("log_every_n_steps", "limit_train_batches", "limit_val_batches", "check_val_every_n_epoch")
"""Attributes of a Trainer that stages keep, beside its settings."""


def run_recipe(
    model: TransferTask,
    data: TriptychDataModule,
    stages: Sequence[Stage],
    trainer_or_settings: L.Trainer | Mapping[str, Any] | None = None,
    folder: str | Path = "runs/recipe",
    resume: bool = False,
    dry_run: bool = False,
    budget: str | None = None,
    every_n_steps: int = 50,
    seed: int | None = None,
) -> list[StageResult]:
    """Trains `model` in stages, each an ordinary fit from the last weights of the one before.

    First it times a few steps of each stage and prints the plan. Curves of all stages stand on one axis in the folder;
    each stage leaves a checkpoint in `checkpoints`, what was searched in `lr_find`, and the whole `summary.json`.

    Args:
        model: The model.
        data: The data.
        stages: At least one.
        trainer_or_settings: A Trainer, which is not touched, or a mapping of a Trainer's arguments, for devices,
            accumulation and callbacks.
        folder: The run's folder.
        resume: Go on with the run in `folder`, at the next sample of the stage that was interrupted.
        dry_run: End with the plan; nothing is written.
        budget: A time such as `"20m"` that the epochs of all stages are scaled down to.
        every_n_steps: Steps from one point to resume from to the next.
        seed: Seed of new weights and of dropout; None takes that of `seed_everything`, or 0.

    Returns:
        What came of each stage; empty after a dry run.

    Raises:
        ValueError: A stage is not possible, the budget is too short, or the folder is that of another recipe.
        FileExistsError: Another run is in the folder, and `resume` was not asked for.
    """
    arguments = _arguments(trainer_or_settings)
    precision = arguments.pop("precision", "32-true")
    seed = int(os.environ.get("PL_GLOBAL_SEED", 0)) if seed is None else seed
    L.seed_everything(seed, verbose=False)
    _build(model, data)
    filled = fill(stages, model, data, precision)
    state = RecipeState.open(Path(folder), type(model).__name__, seed, resume)
    if state.plans:
        if changed := what_changed(state.stages, filled):
            raise ValueError(f"{folder}: this run cannot go on, {changed}; start a new one, without --resume.")
    else:
        budget_seconds = None if budget is None else read_budget(budget)
        plans = _shared([plan_stage(stage, model, data, arguments) for stage in filled])
        state.stages, state.plans = filled, plans if budget_seconds is None else fit_budget(plans, budget_seconds)
    assert model.network is not None
    groups = list(model.network.layer_groups())
    _say(plan_table(state.plans, groups, [stage.epochs for stage in filled]))
    if dry_run:
        return []
    was_done = len(state.done) == len(state.plans)
    state.save()
    try:
        for plan in state.plans[len(state.done) :]:
            state.done.append(_run_stage(plan, model, data, arguments, state, every_n_steps))
            state.save()
    finally:
        data.first_epoch = 0
        os.environ["PL_GLOBAL_SEED"] = str(seed)  # for a resume in this process
    if was_done:
        model.load_state_dict(read_checkpoint(state.done[-1].checkpoint)["state_dict"])
    state.save_summary()
    if not was_done:
        for part in model.report("validation"):
            _say(part)
    _say(result_table(state.done))
    return state.done


def _arguments(trainer_or_settings: L.Trainer | Mapping[str, Any] | None) -> dict[str, Any]:
    """A Trainer's arguments that all stages share, `precision` and `callbacks` among them."""
    if not isinstance(trainer_or_settings, L.Trainer):
        given = dict(trainer_or_settings or {})
        bar = [ProgressBar()] if given.get("enable_progress_bar", True) else []
        default = [*bar, LearningRateMonitor("step", log_momentum=True)]
        kept = {name: value for name, value in given.items() if name not in _OWN}
        return {**kept, "precision": given.get("precision", "32-true"), "callbacks": given.get("callbacks", default)}
    trainer = trainer_or_settings
    callbacks: list[L.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return {
        **settings_of(trainer),
        **{name: getattr(trainer, name) for name in _ALSO},
        "callbacks": [one for one in callbacks if not isinstance(one, (Checkpoint, ModelSummary, ScoreReport))],
    }


def _build(model: TransferTask, data: TriptychDataModule) -> None:
    """Builds the network, so that its groups are known."""
    data.prepare_data()
    data.setup("fit")
    model.resolve(data.facts)
    model.configure_model()


def _run_stage(
    plan: StagePlan,
    model: TransferTask,
    data: TriptychDataModule,
    arguments: Mapping[str, Any],
    state: RecipeState,
    every_n_steps: int,
) -> StageResult:
    """One fit, from its beginning or from where it was killed."""
    stage, number = plan.stage, len(state.done) + 1
    name, folder = f"{number}-{stage.name}", state.folder
    before = state.plans[: number - 1]
    interrupted = whole_one(folder / "checkpoints" / f"{name}.last.ckpt")
    L.seed_everything(state.seed + number, verbose=False)
    if interrupted is None and before:
        last_weights = folder / "checkpoints" / f"{number - 1}-{before[-1].stage.name}.ckpt"
        model.load_state_dict(read_checkpoint(last_weights)["state_dict"])
    data.first_epoch = sum(plan.stage.epochs for plan in before)
    logger = ContinuedLogger(
        folder,
        first_step=sum(plan.steps * plan.stage.epochs for plan in before),
        first_epoch=data.first_epoch,
        resumed_at=0 if interrupted is None else read_checkpoint(interrupted)["global_step"],
    )
    began, peak = time.perf_counter(), PeakMemory()
    if name not in state.max_lr:
        rate = stage.max_lr
        if asks_to_find(rate):
            kept = _head_rate(state.done[-1].max_lr) if before else DEFAULT_RATE
            stage.apply(model, data, with_found(rate, kept))
            search = find_lr({**arguments, "precision": stage.precision}, model, data)
            _show(search, folder / "lr_find" / name, logger)
            rate = with_found(rate, search.rate)
        state.max_lr[name] = rate
        state.save()
    stage.apply(model, data, state.max_lr[name])
    resume_point = ResumePoint(every_n_steps, dirpath=str(folder / "checkpoints"), name=f"{name}.last")
    scores = _LastScores()
    own = copy.deepcopy(dict(arguments))  # a Trainer keeps what it is given
    own["check_val_every_n_epoch"] = plan.epochs_per_validation
    callbacks = own.pop("callbacks")
    with no_info():  # what it would say of devices and precision is known since the plan
        trainer = L.Trainer(
            **own,
            max_epochs=stage.epochs,
            precision=stage.precision,
            num_sanity_val_steps=0,
            logger=logger,
            enable_model_summary=False,
            callbacks=[*callbacks, _NoReport(), scores, resume_point],
        )
    _say(f"[bold]stage {number} of {len(state.plans)}: {stage.name}[/bold]")
    trainer.fit(model, data, ckpt_path=interrupted, weights_only=True)
    if not scores.scores:  # it was killed after its last step, where the scores stand
        logger.first_step, logger.first_epoch = logger.first_step - 1, logger.first_epoch - 1
        trainer.validate(model, data, verbose=False)
    checkpoint = folder / "checkpoints" / f"{name}.ckpt"
    trainer.save_checkpoint(checkpoint, weights_only=False)
    resume_point.remove(trainer)
    return StageResult(
        name=stage.name,
        epochs=stage.epochs,
        max_lr=state.max_lr[name],
        image_size=stage.image_size,
        batch_size=stage.batch_size,
        scores=scores.scores,
        seconds=None if interrupted else time.perf_counter() - began,
        planned_seconds=plan.seconds,
        memory=peak.bytes(),
        planned_memory=plan.memory,
        checkpoint=str(checkpoint),
    )


def _head_rate(max_lr: Any) -> float:
    return float(max_lr[-1] if isinstance(max_lr, (list, tuple)) else max_lr)


@rank_zero_only
def _show(search: LRSearch, folder: Path, logger: ContinuedLogger) -> None:
    Console().print(search.table())
    search.save(folder)
    logger.add_figure("lr_find", search.figure())


class _LastScores(L.Callback):
    """The scores of the last validation."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        self.scores = {name: float(value) for name, value in pl_module.last_scores.items() if value.ndim == 0}


class _NoReport(ScoreReport):
    """Keeps the tables of the stages out of the terminal; the last is printed at the end."""

    def _print(self, pl_module: Any, split: str) -> None:
        pass


def _shared(value: Any) -> Any:
    """The value of the first process, in all of them."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values)
    return values[0]


_say = rank_zero_only(Console().print)
