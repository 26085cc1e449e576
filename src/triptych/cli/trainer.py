"""A Trainer with a method for each command that Lightning's own has not."""

from pathlib import Path

import lightning as L
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from triptych.datamodules.base import TriptychDataModule
from triptych.lr_finder import DEFAULT_RULE, LRSearch, Rule, find_lr
from triptych.lr_finder.curve import PICTURE
from triptych.recipe import Stage, run_recipe
from triptych.runs.folder import own_folder
from triptych.runs.layout import RunLayout
from triptych.tasks.base import TransferTask
from triptych.trainer.tensorboard import add_figure, tensorboard_logger


class CommandTrainer(L.Trainer):
    """Lightning's Trainer, with `lr-find` and `recipe` beside `fit`, `validate`, `test` and `predict`."""

    def find_rate(
        self,
        model: TransferTask,
        datamodule: TriptychDataModule,
        start: float = 1e-7,
        end: float = 10.0,
        num_steps: int = 100,
        rule: Rule = DEFAULT_RULE,
    ) -> LRSearch:
        """Finds a learning rate: a few steps with a rising one, taken back afterwards.

        Args:
            model: The model.
            datamodule: The data.
            start: First rate.
            end: Last rate.
            num_steps: Steps of the optimizer.
            rule: `steep`, `minimum`, `valley` or `slide`.
        """
        search = find_lr(self, model, datamodule, start, end, num_steps, rule)
        self.show_search(search)
        return search

    @rank_zero_only
    def show_search(self, search: LRSearch) -> None:
        """Prints a search's table, and keeps its curve in the run folder and in TensorBoard."""
        Console().print(search.table())
        place = own_folder(self)
        if place is None:
            return
        folder = RunLayout(Path(place)).search()
        search.save(folder)
        logger = tensorboard_logger(self)
        if logger is not None:
            add_figure(logger, "lr_find", search.figure(), self.global_step)
        print(f"curve: {folder / PICTURE}")

    def recipe(
        self,
        model: TransferTask,
        datamodule: TriptychDataModule,
        stages: list[Stage],
        resume: bool = False,
        dry_run: bool = False,
        budget: str | None = None,
        every_n_steps: int = 50,
    ) -> None:
        """Trains stage by stage, and goes on where it was killed.

        Args:
            model: The model.
            datamodule: The data.
            stages: What each stage changes.
            resume: Go on with the newest run, or the one that the logger's version names.
            dry_run: Print the plan and end.
            budget: A time such as 20m that the epochs are scaled down to.
            every_n_steps: Steps from one point to resume from to the next.
        """
        folder = self.log_dir or "runs/recipe"
        run_recipe(model, datamodule, stages, self, folder, resume, dry_run, budget, every_n_steps)


setattr(CommandTrainer, "lr-find", CommandTrainer.find_rate)  # the name that LightningCLI looks up
