"""Runs a recipe: stage after stage in one folder; resumes where it was interrupted."""

import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L

from triptych.callbacks import ScoreReport
from triptych.datamodules.base import TriptychDataModule
from triptych.files import as_path
from triptych.recipe.budget import changes, fit_budget, read_budget
from triptych.recipe.data_settings import set_in_data
from triptych.recipe.dev_run import dev_run
from triptych.recipe.disk import features_line, within_disk
from triptych.recipe.given_state import GivenState, carry_on
from triptych.recipe.stage import STAGE_FIELDS, FullStage, Stage, check_names, fill, first_change, settings_restorer
from triptych.recipe.stage_run import StageRun, remove_resume_points
from triptych.recipe.state import RecipeState, StageResult
from triptych.recipe.tables import plan_table, result_table
from triptych.recipe.trainer_arguments import shared_arguments
from triptych.recipe.within_memory import plan_within_memory, run_within_memory
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.identity import arguments_of
from triptych.runs.lock import folder_lock
from triptych.tasks.score_report import score_parts
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.processes import is_first_process, number_used, say, shared
from triptych.trainer.random_state import seeds_restored
from triptych.trainer.stop import goes_on_with


@seeds_restored()
def run_recipe(
    model: OneCycleTraining,
    data: L.LightningDataModule,
    stages: Sequence[Stage],
    trainer_or_settings: L.Trainer | Mapping[str, Any] | None = None,
    folder: str | Path = "runs/recipe",
    resume: bool = False,
    dry_run: bool = False,
    budget: str | None = None,
    every_n_steps: int | None = None,
    seed: int | None = None,
) -> list[StageResult]:
    """Trains `model` in stages, each an ordinary fit from the last weights of the previous one.

    First it times a few steps of each stage and prints the plan. The curves of all stages share one axis in the folder;
    each stage writes a checkpoint to `checkpoints` and its range test to `lr_find`, the recipe `summary.json`.

    What is given to a Trainer is kept in each stage; `triptych.recipe.trainer_arguments.ARGUMENTS` has the exceptions,
    each with its reason. Callbacks, loggers and profilers are the given objects themselves. Lightning's callbacks, such
    as EarlyStopping and ModelCheckpoint, start each stage in the state in which they were given, so a ModelCheckpoint
    saves the best of each stage; the user's own callbacks keep their state from stage to stage, after a resume too.
    If memory runs out, the batch of the stage is loaded in twice as many parts, with gradients accumulated, and it goes
    on from its last resume point. With `fast_dev_run` each stage is a fast dev run, without a plan, and nothing is
    written.

    Args:
        model: A task of this package, or a module of your own, see `OneCycleTraining`.
        data: The data; those of another package have no settings that a stage could change.
        stages: At least one.
        trainer_or_settings: A Trainer, which is not changed, or a mapping of Trainer arguments.
        folder: The run's folder. The recipe logs there for TensorBoard, and other loggers where they always do; a
            ModelCheckpoint without a folder of its own saves there too.
        resume: Resume the run in `folder`, at the next sample of the interrupted stage; with data of another package
            after its last finished epoch.
        dry_run: Stop after the plan; nothing is written.
        budget: A time such as `"20m"` for all from the plan on: searches, training, validations and figures. The epochs
            of all stages are scaled down to fit it, and those that are left are planned anew after each stage, up to
            what was requested; a stage that is late ends within an epoch, with its cycle complete. A resumed run keeps
            the budget that it was started with.
        every_n_steps: Number of steps between two resume points; None saves by time, see `ResumePoint`. With data of
            another package there is one after each epoch.
        seed: Seed of new weights and of dropout; None takes that of `seed_everything`, or 0. Global generators and
            `PL_GLOBAL_SEED` are afterwards as before.

    Returns:
        The result of each stage; empty after a dry run or a fast dev run.

    Raises:
        MemoryLimitError: Memory runs out with a single sample, or in one of several processes.
        ValueError: A stage or an argument of the Trainer is not possible, the budget is too short, or the folder is
            that of another recipe.
        FileExistsError: Another run, a recipe or a fit, is in the folder, and `resume` is False; or another process
            writes there.
    """
    check_names(stages)
    arguments = shared_arguments(trainer_or_settings)
    precision = arguments.pop("precision", None) or "32-true"
    seed = int(os.environ.get("PL_GLOBAL_SEED", 0)) if seed is None else seed
    L.seed_everything(seed, verbose=False)
    _check_classes(model, data)
    _build(model, data)
    filled = fill(stages, model, data, precision)
    if arguments.get("fast_dev_run"):
        dev_run(model, data, filled, arguments)
        return []
    identity, folder = _identity(model, data, arguments, seed), as_path(folder)
    state = RecipeState.open(folder, identity, resume)
    if not state.plans:
        _plan(state, model, data, arguments, filled, budget)
    elif changed := first_change(state.stages, filled):
        raise ValueError(f"{folder}: this run cannot be resumed: {changed}; start a new one, without --resume.")
    _say_plan(state, model)
    if dry_run:
        return []
    if every_n_steps is not None and not isinstance(data, TriptychDataModule):
        say(f"every_n_steps: not used, since {type(data).__name__} goes on after whole epochs alone.")
    state.folder = shared(folder)  # the plan has connected the processes, each of which has looked for a folder
    with contextlib.ExitStack() as held:
        if is_first_process():  # which may have begun to write before another of this run looks
            held.enter_context(folder_lock(folder))
            RecipeState.open(folder, identity, resume)  # another run may have begun here since
        return _train(state, model, data, arguments, every_n_steps)


def _plan(
    state: RecipeState,
    model: OneCycleTraining,
    data: L.LightningDataModule,
    arguments: Mapping[str, Any],
    stages: Sequence[FullStage],
    budget: str | None,
) -> None:
    """Times a few steps of each stage, and fits its epochs into the budget."""
    state.budget, began = None if budget is None else read_budget(budget), time.monotonic()
    state.stages = list(stages)
    plans = [plan_within_memory(stage, model, data, arguments) for stage in stages]
    state.plans = shared([within_disk(plan, state.folder) for plan in plans])
    if state.budget is not None:
        state.spent = shared(time.monotonic() - began)
        state.plans = fit_budget(state.plans, state.budget, state.spent)


def _say_plan(state: RecipeState, model: OneCycleTraining) -> None:
    say(plan_table(state.plans, list(model.layer_groups()), [stage.epochs for stage in state.stages]))
    for line in filter(None, map(features_line, state.plans)):
        say(line)
    if state.budget is not None and (scaled := changes(state.stages, state.plans)):
        say(f"budget {state.budget / 60:g}m: {scaled}.")


def _train(
    state: RecipeState,
    model: OneCycleTraining,
    data: L.LightningDataModule,
    arguments: Mapping[str, Any],
    every_n_steps: int | None,
) -> list[StageResult]:
    """Runs the stages that are not finished."""
    was_finished = len(state.done) == len(state.plans)
    state.save()
    remove_resume_points(state)
    restore, given = settings_restorer(model, data), GivenState(arguments["callbacks"])
    if state.done:
        carry_on(arguments["callbacks"], read_checkpoint(state.done[-1].checkpoint))
    try:
        with goes_on_with("run_recipe(..., resume=True)", is_saved=True):
            for number in range(len(state.done) + 1, len(state.plans) + 1):
                run_within_memory(StageRun(model, data, arguments, state, every_n_steps, number), given)
    except BaseException:
        restore()  # so that this process can resume with the same objects
        given.restore()
        raise
    finally:
        set_in_data(data, first_epoch=0)
    if was_finished:
        model.load_weights(read_checkpoint(state.done[-1].checkpoint))
    state.save_summary()
    if not was_finished and not any(isinstance(one, ScoreReport) for one in arguments["callbacks"]):
        for part in score_parts(model, "validation") if model.last_scores else ():
            say(part)
    say(result_table(state.done))
    return state.done


def _check_classes(model: object, data: object) -> None:
    """Refuses what has no stages: a module that does not train by layer groups, or data that are no data module."""
    if not isinstance(model, OneCycleTraining):
        raise ValueError(
            f"model: expected a OneCycleTraining, got {type(model).__name__}; subclass triptych.OneCycleTraining "
            "instead of LightningModule, and write layer_groups."
        )
    if not isinstance(data, L.LightningDataModule):
        raise ValueError(f"data: expected a LightningDataModule, got {type(data).__name__}; put it into one.")


def _build(model: OneCycleTraining, data: L.LightningDataModule) -> None:
    """Builds the network, for its layer groups, and prepares the data once for all stages."""
    data.prepare_data()
    data.setup("fit")
    model.resolve(getattr(data, "metadata", {}))
    model.configure_model()
    model.prepare(data)


def _identity(
    model: OneCycleTraining, data: L.LightningDataModule, arguments: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """What must be the same when a run is resumed, as plain values; the stages set what it leaves out."""
    devices = number_used(arguments.get("devices", "auto"), arguments.get("accelerator", "auto"))
    trainer = {**arguments, "devices": devices, "num_nodes": arguments.get("num_nodes", 1)}
    of_data = data.arguments if isinstance(data, TriptychDataModule) else data.hparams
    of_stages = {*STAGE_FIELDS} - {"train_bn"}  # runs of before stages had it name the model's
    named = arguments_of(model.hparams, of_data, trainer, may_change=of_stages)
    return {"task": type(model).__name__, "seed": seed, **named}
