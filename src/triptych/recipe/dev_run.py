"""A fast dev run of a recipe."""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L

from triptych.lr_finder import DEFAULT_RATE, with_found
from triptych.recipe.data_settings import set_in_data
from triptych.recipe.stage import FullStage, settings_restorer
from triptych.recipe.stage_run import stage_trainer
from triptych.recipe.within_memory import choose_micro_batches
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.processes import say


def dev_run(
    model: OneCycleTraining, data: L.LightningDataModule, stages: Sequence[FullStage], arguments: Mapping[str, Any]
) -> None:
    """Runs Lightning's `fast_dev_run` for each stage: a few batches, without logs and checkpoints.

    A rate that is to be found is the default one, and samples are drawn evenly if their losses would have to be known.

    Args:
        model: The model; its settings are restored, its weights are not.
        data: The data.
        stages: The stages.
        arguments: See `shared_arguments`.
    """
    restore = settings_restorer(model, data)
    try:
        for stage in stages:
            micro_batches = choose_micro_batches(stage, model, data, arguments)
            stage.apply(model, data, with_found(stage.max_lr, DEFAULT_RATE))
            set_in_data(data, micro_batches=micro_batches)
            say(f"[bold]fast dev run of stage {stage.name}[/bold]")
            stage_trainer(stage, arguments, []).fit(model, data)
    finally:
        restore()
