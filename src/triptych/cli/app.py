"""LightningCLI's subcommands and ours."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from jsonargparse import Namespace
from lightning.pytorch.callbacks import BasePredictionWriter, Callback
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from triptych.callbacks import PredictionWriter
from triptych.cli.before import arguments_before, check_before, folder_before, place, start_from
from triptych.cli.configs import with_shipped_configs
from triptych.cli.identity import take_resolved
from triptych.cli.make_data import MADE_UP
from triptych.cli.messages import plain
from triptych.cli.parser import Parser
from triptych.cli.results import say_fit, say_predictions, say_recipe
from triptych.cli.resume import nothing_left, resumed_run, resuming_command
from triptych.cli.save_config import SaveFitConfig
from triptych.cli.trainer import CommandTrainer
from triptych.errors import UsageError
from triptych.files import as_path
from triptych.lr_finder import asks_to_find, find_lr, plain_rates, with_found
from triptych.runs.checkpoint import read_checkpoint, read_hyper_parameters
from triptych.runs.folder import continue_in, no_empty_run
from triptych.runs.layout import RunLayout, checkpoint_of
from triptych.tasks.training import OneCycleTraining
from triptych.trainer.messages import no_advice
from triptych.trainer.precision import AUTO, evaluation_precision, fastest_precision, trained_precision
from triptych.trainer.random_state import seeds_restored
from triptych.trainer.stop import goes_on_with

_FLAGS = {"--resume": "--resume", "--dry-run": "--dry_run", "--dry_run": "--dry_run"}
"""Options that may be given without a value, with their argument name."""

_NEEDS_CHECKPOINT = ("validate", "test", "predict")

_DESCRIPTION = f"""Trains, scores and predicts as a YAML file says: `triptych fit --config camvid` takes a shipped one.
`triptych configs DIR` copies the shipped ones, to be changed.
`triptych make-data {{{",".join(MADE_UP)}}} DIR` writes made-up data to try it on.
`triptych doctor {{camvid,biwi,planet,points,imdb}} DIR` looks for faults in a data set before it is trained on.
`triptych report RUN` writes a report about a run, one HTML page.
`triptych export RUN` writes the model into a folder that needs no torch, `triptych score DIR` scores such a folder, and
`triptych push DIR USER/NAME` uploads it to the Hugging Face hub.
`triptych page DIR` writes one HTML page that runs an exported model in the browser, `triptych serve DIR` serves it.
`triptych clean-cache` removes the images that `--data.cache` keeps decoded."""


class TriptychCLI(LightningCLI):
    """LightningCLI in subclass mode; at the end it prints the paths of the results."""

    trainer: CommandTrainer
    _folder: Path | None = None
    """The run folder, if it is known before the loggers: that of a run that goes on, or of a recipe before another."""
    _seed_is_typed = False
    """Whether a seed was typed beside a checkpoint."""

    def __init__(self, args: Sequence[str], folder: Path | None = None) -> None:
        self._folder = folder
        with contextlib.ExitStack() as self._locks:
            self._parse_and_run(args)

    def _parse_and_run(self, args: Sequence[str]) -> None:
        super().__init__(
            L.LightningModule,
            L.LightningDataModule,
            trainer_class=CommandTrainer,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=SaveFitConfig,
            save_config_kwargs={"save_to_log_dir": False},  # `SaveFitConfig` knows the run folder
            seed_everything_default=0,
            parser_class=Parser,
            parser_kwargs={"prog": "triptych", "description": _DESCRIPTION},
            auto_configure_optimizers=False,
            args=with_shipped_configs(_with_flag_values(args)),
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """LightningCLI's subcommands and ours, each with the arguments that are not options."""
        return {
            **LightningCLI.subcommands(),
            "lr-find": {"model", "datamodule"},
            "recipe": {"model", "datamodule"},
        }

    def _prepare_subcommand_parser(self, klass: type, subcommand: str, **kwargs: Any) -> LightningArgumentParser:
        parser = super()._prepare_subcommand_parser(klass, subcommand, **kwargs)
        if subcommand in _NEEDS_CHECKPOINT:
            for name in ("stages", "resume", "dry_run", "budget", "every_n_steps", "before"):
                parser.add_argument(f"--{name}", type=Any, help="ignored, so that a recipe's YAML can be used here too")
        return parser

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        super().parse_arguments(parser, args)
        self._args = args
        subcommand = self.config.subcommand
        config = self.config[subcommand]
        checkpoint = config.get("ckpt_path")
        if subcommand == "recipe" and checkpoint is not None:
            checkpoint = config.ckpt_path = str(checkpoint_of(checkpoint))
        if subcommand == "recipe" and config.before is not None:
            check_before(config)
        if self._folder is not None:
            place(config.trainer, self._folder)
            config.resume = (config.resume or _is_requeued()) and RunLayout(self._folder).recipe.is_file()
            take_resolved(config, self._folder)
        elif (subcommand == "recipe" and config.resume) or (subcommand == "fit" and checkpoint == "last"):
            self._resume_run(subcommand)
        elif (subcommand == "recipe" or (subcommand == "fit" and checkpoint is None)) and _is_requeued():
            self._resume_requeued(subcommand)
        elif checkpoint not in (None, "best", "last", "hpc"):
            read_checkpoint(checkpoint)
        elif checkpoint is None and subcommand in _NEEDS_CHECKPOINT:
            raise UsageError(f"ckpt_path: expected a checkpoint to {subcommand} with, got none.")

    def _resume_run(self, subcommand: str) -> None:
        """Sets the run to resume in the configuration, and for a fit its last checkpoint."""
        config = self.config[subcommand]
        relative = RunLayout(Path())
        if subcommand == "fit":
            self._folder = resumed_run(config, relative.last, self._locks)
            read_checkpoint(self._folder / relative.last)
            config.ckpt_path = str(self._folder / relative.last)
        elif config.before is None:
            self._folder, config.resume = resumed_run(config, relative.recipe, self._locks), True
        else:  # it may have been interrupted in the recipe before
            self._folder = resumed_run(config, RunLayout(relative.before).recipe, self._locks)
            config.resume = RunLayout(self._folder).recipe.is_file()

    def _resume_requeued(self, subcommand: str) -> None:
        """Goes on with the run of a job that SLURM has requeued, if it left one; else a new one starts."""
        try:
            self._resume_run(subcommand)
        except (FileNotFoundError, FileExistsError, UsageError) as error:
            answer = f"a new run starts, because none can go on: {plain(error)}"
        else:
            answer = f"it goes on with {self._folder}."
        rank_zero_only(print)(f"SLURM has requeued this job; {answer}")

    def _parse_ckpt_path(self) -> None:
        """Takes from the checkpoint the hyper-parameters that were not typed, and those that a word stands for."""
        subcommand = self.config.subcommand
        checkpoint = self.config[subcommand].get("ckpt_path")
        if not checkpoint or not as_path(checkpoint).is_file():
            return
        saved = read_hyper_parameters(checkpoint)
        all_typed = self.parser.parse_args(self._args, defaults=False)[subcommand]
        self._seed_is_typed = all_typed.get("seed_everything") not in (None, False)
        typed, arguments = all_typed.model.get("init_args") or {}, self.config[subcommand].model.init_args
        for name, value in saved.items():
            resolved = asks_to_find(typed.get(name)) and not asks_to_find(value)  # "find", "balanced"
            if name in arguments and (name not in typed or resolved or name == "encoder_weights"):
                arguments[name] = value

    def _run_subcommand(self, subcommand: str) -> None:
        if self._folder is not None:
            continue_in(self.trainer, self._folder)
        if subcommand == "recipe":  # it writes nothing before everything is checked
            super()._run_subcommand(subcommand)
            return
        checkpoint = self.config[subcommand].get("ckpt_path")
        with no_empty_run(self.trainer, checkpoint):
            if subcommand == "fit" and checkpoint is not None and (answer := nothing_left(self.trainer, checkpoint)):
                rank_zero_only(print)(answer)
            else:
                super()._run_subcommand(subcommand)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(PredictionWriter, "predictions", subclass_mode=True, required=False)

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Callback]) -> L.Trainer:
        callbacks = [callback for callback in callbacks if callback is not None]  # None without `predictions`
        if config["precision"] == AUTO:
            self.config[self.subcommand].trainer.precision = config["precision"] = self._find_precision(config)
        trainer: L.Trainer = super()._instantiate_trainer(config, callbacks)
        # the first logger decides on the folder of the checkpoints: one that writes into a folder, whatever the order
        trainer.loggers = sorted(trainer.loggers, key=lambda logger: logger.log_dir is None)
        return trainer

    def _find_precision(self, settings: dict[str, Any]) -> str:
        """The precision of the checkpoint that goes on or is evaluated; for a new run the fastest."""
        checkpoint = self.config[self.subcommand].get("ckpt_path")
        if checkpoint and as_path(checkpoint).is_file():
            state = read_checkpoint(checkpoint)
            if self.subcommand != "fit":
                return evaluation_precision(state, self.model, settings["accelerator"])
            if trained := trained_precision(state):  # a resumed fit ends with the same weights
                return trained
        with plain_rates(self.model):
            return fastest_precision(settings, self.model, self.datamodule)

    def instantiate_classes(self) -> None:
        super().instantiate_classes()
        if isinstance(self.model, OneCycleTraining):
            self.model.given = {*self.model.hparams}  # what was not typed is taken from the checkpoint by now
            if self.subcommand == "fit" and self._seed_is_typed:
                self.model.noise_seed = self.config.fit.seed_everything
                self.model.given.add("noise_seed")

    def before_instantiate_classes(self) -> None:
        if self.subcommand not in ("fit", "lr-find", "recipe"):
            # another run in TensorBoard with a single number would hide the curves
            self.config[self.subcommand].trainer.logger = False
        if self.subcommand == "recipe" and self.config.recipe.before is not None:
            self._run_before(self.config.recipe)
        if self.subcommand == "predict":
            self.config.predict.return_predictions = False  # the writer saves each batch

    def _run_before(self, config: Namespace) -> None:
        """Runs the recipe that this one begins with, or what is left of it; and takes from it what it is for."""
        folder = folder_before(config.trainer)
        with seeds_restored():
            TriptychCLI(arguments_before(self._args, config), folder)
        start_from(config, folder)

    def before_fit(self) -> None:
        """Finds the learning rate, if the configuration asks for it."""
        max_lr = self.model.hparams.get("max_lr")
        if asks_to_find(max_lr):
            search = find_lr(self.trainer, self.model, self.datamodule)
            self.trainer.show_search(search)
            self.model.retune(max_lr=with_found(max_lr, search.rate))

    def before_predict(self) -> None:
        """Checks that the predictions will be written."""
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        if not any(isinstance(callback, BasePredictionWriter) for callback in callbacks):
            raise UsageError("predictions: expected a writer, such as triptych.callbacks.MaskWriter, got none.")

    def after_fit(self) -> None:
        """Prints where the results are."""
        say_fit(self.trainer)

    def after_recipe(self) -> None:
        """Prints where the results are."""
        say_recipe(self.trainer)

    def after_predict(self) -> None:
        """Prints where the predictions are."""
        say_predictions(self.trainer)


def _is_requeued() -> bool:
    return int(os.environ.get("SLURM_RESTART_COUNT", 0)) > 0


def _with_flag_values(args: Sequence[str]) -> list[str]:
    """The arguments, with `true` after each flag that has no value."""
    complete = []
    for arg, following in zip(args, [*args[1:], ""], strict=True):
        complete.append(_FLAGS.get(arg, arg))
        if arg in _FLAGS and following.lower() not in ("true", "false"):
            complete.append("true")
    return complete


def run(args: Sequence[str]) -> None:
    """Runs a command that trains or evaluates; see `TRAINING`."""
    no_advice()
    with goes_on_with(resuming_command(args)):
        TriptychCLI(args)
