"""Stages within the memory there is: each batch in parts that fit, smaller ones after an out-of-memory error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import lightning as L
from lightning.pytorch.utilities.memory import garbage_collection_cuda

from triptych.errors import MemoryLimitError
from triptych.lr_finder import DEFAULT_RATE, with_found
from triptych.recipe.given_state import GivenState, carry_on
from triptych.recipe.plan import StagePlan, plan_stage
from triptych.recipe.stage import FullStage
from triptych.recipe.stage_run import StageRun
from triptych.runs.checkpoint import read_checkpoint
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.largest_batch import halves, largest_batch
from triptych.trainer.memory import is_out_of_memory
from triptych.trainer.processes import are_several, say
from triptych.trainer.temporary_fit import Snapshot


def choose_micro_batches(
    stage: FullStage, model: OneCycleTraining, data: L.LightningDataModule, arguments: Mapping[str, Any]
) -> int:
    """Number of parts in which a batch of the stage is loaded, so that they fit into free memory; 1 unless asked for.

    Raises:
        MemoryLimitError: See `largest_batch`.
    """
    if not stage.auto_batch_size or stage.batch_size is None:
        return 1
    settings = {**arguments, "precision": stage.precision}
    with stage.applied(model, data, with_found(stage.max_lr, DEFAULT_RATE)):
        return stage.batch_size // largest_batch(settings, model, data, stage.batch_size)


def plan_within_memory(
    stage: FullStage, model: OneCycleTraining, data: L.LightningDataModule, arguments: Mapping[str, Any]
) -> StagePlan:
    """The plan of a stage, with batches in as many parts as its timed steps need to fit into memory.

    Raises:
        MemoryLimitError: A single sample does not fit, or one of several processes ran out of memory.
        ValueError: See `plan_stage`.
    """
    micro_batches = choose_micro_batches(stage, model, data, arguments)
    while True:
        try:
            return plan_stage(stage, model, data, arguments, micro_batches)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            micro_batches = _more(stage, micro_batches, error)
            if are_several():  # the others wait for this one
                raise MemoryLimitError(
                    f"stages: {stage.name}: one of several processes ran out of memory; set batch_size to auto."
                ) from error
        garbage_collection_cuda()  # now that no error holds the tensors of its frames
        say(_told(stage, micro_batches))


def run_within_memory(run: StageRun, given: GivenState) -> None:
    """Runs a stage; after an out-of-memory error it goes on from its last resume point, with batches in more parts.

    Args:
        run: The stage; the number of parts is updated in the state of the recipe.
        given: The state of the user's callbacks.

    Raises:
        MemoryLimitError: A single sample does not fit; or one of several processes ran out of memory, which has to be
            resumed.
    """
    state, before = run.state, Snapshot(run.model)
    while True:
        given.restore()
        try:
            run.run()
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            stage = run.plan.stage
            plan = replace(run.plan, micro_batches=_more(stage, run.plan.micro_batches, error))
            state.plans[run.number - 1] = plan
            state.write()  # whichever process this is
            if are_several():  # the others wait for this one
                raise MemoryLimitError(f"{_told(stage, plan.micro_batches)} if it is resumed (--resume).") from error
        garbage_collection_cuda()  # now that no error holds the tensors of its frames
        before.restore()
        if state.done:
            carry_on(run.arguments["callbacks"], read_checkpoint(state.done[-1].checkpoint))
        say(_told(stage, plan.micro_batches))


def _more(stage: FullStage, micro_batches: int, error: BaseException) -> int:
    """The number of parts that are at most half as large."""
    if stage.batch_size is None:
        raise MemoryLimitError(
            f"stages: {stage.name}: out of memory; give the data smaller batches, which only data of this package load "
            "in parts."
        ) from error
    sizes = halves(stage.batch_size)
    following = sizes.index(stage.batch_size // micro_batches) + 1
    if following == len(sizes):
        smaller = "" if stage.image_size is None else "smaller image_size or a "
        raise MemoryLimitError(
            f"stages: {stage.name}: expected memory for one sample at a time, got an out-of-memory error; give it a "
            f"{smaller}precision of 16 bits, or take a smaller encoder."
        ) from error
    return stage.batch_size // sizes[following]


def _told(stage: FullStage, micro_batches: int) -> str:
    assert stage.batch_size is not None
    at_once = stage.batch_size // micro_batches
    accumulated = f"accumulated {micro_batches} times to {stage.batch_size}"
    return f"stage {stage.name}: out of memory; it goes on with {at_once} at once, {accumulated}"
