"""A Trainer with a method for each subcommand that Lightning's Trainer lacks."""

from collections.abc import Sequence
from typing import Any, Literal

import lightning as L
from jsonargparse.typing import Path_fr
from lightning.fabric.plugins.precision.precision import _PRECISION_INPUT
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from triptych.lr_finder import DEFAULT_RULE, LRSearch, Rule, find_lr
from triptych.lr_finder.curve import PICTURE
from triptych.recipe import Stage, run_recipe
from triptych.recipe.state import StageResult
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.figures import log_figure
from triptych.runs.folder import claim_folder, release_folder
from triptych.runs.layout import RunLayout
from triptych.tasks.training import OneCycleTraining


class CommandTrainer(L.Trainer):
    """Lightning's Trainer, with `lr-find` and `recipe` in addition to `fit`, `validate`, `test` and `predict`."""

    results: Sequence[StageResult] = ()
    """Results of the stages that `recipe` ran."""

    def __init__(self, *, precision: _PRECISION_INPUT | Literal["auto"] | None = None, **kwargs: Any) -> None:
        """Lightning's arguments; the command line replaces the precision `auto` by the one that it finds."""
        super().__init__(precision=precision, **kwargs)  # type: ignore[arg-type]

    def find_rate(
        self,
        model: L.LightningModule,
        datamodule: L.LightningDataModule,
        start: float = 1e-7,
        end: float = 10.0,
        num_steps: int = 100,
        rule: Rule = DEFAULT_RULE,
    ) -> LRSearch:
        """Finds a learning rate by a few steps at increasing rates; the model is restored afterwards.

        Args:
            model: The model.
            datamodule: The data.
            start: First learning rate.
            end: Last learning rate.
            num_steps: Number of optimizer steps.
            rule: The rule whose suggestion is used; race trains at several rates, which takes three times the steps.
        """
        search = find_lr(self, model, datamodule, start, end, num_steps, rule)
        self.show_search(search)
        return search

    @rank_zero_only
    def show_search(self, search: LRSearch) -> None:
        """Prints a search's table, and saves its curve in the run folder and in the logs."""
        Console().print(search.table())
        folder = RunLayout(claim_folder(self)).search()
        search.save(folder)
        log_figure(self.loggers, "lr_find", search.figure(), self.global_step)
        print(f"curve: {folder / PICTURE}")

    def recipe(
        self,
        model: OneCycleTraining,
        datamodule: L.LightningDataModule,
        stages: list[Stage],
        resume: bool = False,
        dry_run: bool = False,
        budget: str | None = None,
        every_n_steps: int | None = None,
        ckpt_path: str | None = None,
        before: Path_fr | None = None,
    ) -> None:
        """Trains stage by stage; a killed run can be resumed.

        Args:
            model: The model.
            datamodule: The data.
            stages: The settings that each stage changes.
            resume: Resume the newest run, or the one given as the logger's version.
            dry_run: Print the plan and exit.
            budget: A time such as 20m for all from the plan on: the epochs are reduced to fit into it, and planned anew
                after each stage. A resumed run keeps its own.
            every_n_steps: Optimizer steps between two checkpoints to resume from; by default they go by time.
            ckpt_path: Checkpoint or run folder whose weights, and settings of the model that are not given, it starts
                from; that run itself does not go on.
            before: Recipe that runs first, in the folder `before` of this run's folder: a YAML file, relative to that
                which names it, or a shipped one. What was typed for Trainer, seed and data is for both, except options
                of the data that its file sets otherwise. Each has its own budget. `encoder_weights` of this one must be
                null; it and `vocab`, if that is null, are taken from it. A script calls `run_recipe` twice.
        """
        if ckpt_path is not None:
            model.load_weights(read_checkpoint(ckpt_path))
        folder = self.strategy.broadcast(claim_folder(self))
        try:
            self.results = run_recipe(model, datamodule, stages, self, folder, resume, dry_run, budget, every_n_steps)
        finally:
            release_folder(self)


setattr(CommandTrainer, "lr-find", CommandTrainer.find_rate)  # the name that LightningCLI looks up
