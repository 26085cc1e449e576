"""The command `triptych`: LightningCLI's subcommands, made-up data, and mistakes told in one line."""

import logging
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from triptych import synthetic
from triptych.callbacks import PredictionWriter
from triptych.checkpoints import best_score, read_checkpoint
from triptych.plain_errors import one_line
from triptych.processor import usable_precision
from triptych.run_folder import no_empty_run, run_folder

MADE_UP: dict[str, Callable[[str], Path]] = {
    "camvid": synthetic.make_streets,
    "biwi": synthetic.make_portraits,
    "planet": synthetic.make_tiles,
}
"""What `make-data` writes, by the name of the data set whose layout it has."""

DESCRIPTION = f"""Trains, scores and predicts, as a YAML file says: `triptych fit --config configs/camvid.yaml`.
`triptych make-data {{{",".join(MADE_UP)}}} DIR` writes made-up data to try it on."""


class UsageError(Exception):
    """The command or its configuration cannot be understood."""

    file: Path | None = None
    """The YAML file in which it is written, if it is in one."""


class Parser(LightningArgumentParser):
    """A parser that raises instead of printing its usage and leaving."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise UsageError(message) from ex

    def parse_path(self, cfg_path: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse_path(cfg_path, *args, **kwargs)
        except UsageError as error:
            error.file = Path(cfg_path)
            raise


class SaveFitConfig(SaveConfigCallback):
    """Keeps the configuration in the run folder, of a fit alone."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit":
            super().setup(trainer, pl_module, stage)


class TriptychCLI(LightningCLI):
    """LightningCLI in subclass mode; ends by naming what was made."""

    def __init__(self, args: Sequence[str]) -> None:
        super().__init__(
            L.LightningModule,
            L.LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=SaveFitConfig,
            seed_everything_default=0,
            parser_class=Parser,
            parser_kwargs={"prog": "triptych", "description": DESCRIPTION},
            auto_configure_optimizers=False,
            args=list(args),
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        super().parse_arguments(parser, args)
        checkpoint = self.config[self.config.subcommand].get("ckpt_path")
        if checkpoint not in (None, "best", "last", "hpc"):
            read_checkpoint(checkpoint)
        elif checkpoint is None and self.config.subcommand != "fit":
            raise UsageError(f"ckpt_path: expected a checkpoint to {self.config.subcommand} with, got none.")

    def _parse_ckpt_path(self) -> None:
        try:
            super()._parse_ckpt_path()
        except UsageError as error:
            checkpoint = self.config[self.config.subcommand].ckpt_path
            raise UsageError(f"ckpt_path: {checkpoint} was saved by another model than this one.") from error

    def _run_subcommand(self, subcommand: str) -> None:
        with no_empty_run(self.trainer):
            super()._run_subcommand(subcommand)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(PredictionWriter, "predictions", subclass_mode=True, required=False)

    def before_instantiate_classes(self) -> None:
        trainer = self.config[self.subcommand].trainer
        trainer.precision = usable_precision(trainer.precision, trainer.accelerator)
        if self.subcommand != "fit":
            trainer.logger = False  # a folder of its own in TensorBoard for a single number would hide the curves
        if self.subcommand == "predict":
            self.config.predict.return_predictions = False  # they are written as they come

    @rank_zero_only
    def after_fit(self) -> None:
        """Names the score, the checkpoint and the TensorBoard command."""
        for callback in self.trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
                print(f"score: {callback.monitor} {callback.best_model_score:.4f}")
                print(f"checkpoint: {callback.best_model_path}")
        if isinstance(self.trainer.logger, TensorBoardLogger):
            print(f"curves: {_tensorboard()} --logdir {self.trainer.logger.root_dir}")

    @rank_zero_only
    def after_predict(self) -> None:
        """Names the score, the checkpoint, the folder of the pictures and the TensorBoard command."""
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        checkpoint = self.trainer.ckpt_path
        if checkpoint is not None:
            print(f"score: {best_score(checkpoint)}\ncheckpoint: {checkpoint}")
        for writer in callbacks:
            if isinstance(writer, PredictionWriter):
                print("\n".join(f"{name}: {path}" for name, path in writer.made().items()))
        print(f"curves: {_tensorboard()} --logdir {run_folder(self.trainer).parent}")


def make_data(args: Sequence[str]) -> None:
    """`triptych make-data NAME DIR`: writes made-up data in the layout of the real one."""
    usage = f"triptych make-data {{{','.join(MADE_UP)}}} DIR"
    if args in (["--help"], ["-h"]):
        print(f"usage: {usage}")
        return
    if len(args) != 2 or args[0] not in MADE_UP:
        raise UsageError(f"expected `{usage}`, got {' '.join(args) or 'nothing'}.")
    print(f"made-up data: {MADE_UP[args[0]](args[1])}")


def _run(args: Sequence[str]) -> None:
    first = args[0] if args else "nothing"
    if first == "make-data":
        make_data(args[1:])
    elif first in TriptychCLI.subcommands() or first.startswith("-"):
        TriptychCLI(args)
    else:
        names = ", ".join([*TriptychCLI.subcommands(), "make-data"])
        raise UsageError(f"expected one of {names}, got {first}; see `triptych --help`.")


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line; a mistake of the user's ends in one line on standard error and exit code 1."""
    args = list(sys.argv[1:] if args is None else args)
    _quiet()
    try:
        _run(args)
    except UsageError as error:
        sys.exit(f"triptych: {f'{error.file}: ' if error.file else ''}{one_line(error)}")
    except (ValueError, OSError, MisconfigurationException) as error:
        sys.exit(f"triptych: {one_line(error)}")
    except RuntimeError as error:
        if not str(error).startswith("Error(s) in loading state_dict"):
            raise
        sys.exit("triptych: ckpt_path: the checkpoint was saved by another model than this one.")


def _tensorboard() -> str:
    """The command as it can be typed here, in or outside of the environment."""
    return (
        "tensorboard" if shutil.which("tensorboard") else os.path.relpath(Path(sys.executable).with_name("tensorboard"))
    )


def _quiet() -> None:
    """Leaves out the advice of libraries about their own insides that a user can do nothing about."""
    said = ("litlogger", "Loading `train_dataloader`", "stopped: `max_epochs=")  # the last would tear the progress bar
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: not any(words in record.getMessage() for words in said)
    )
    warnings.filterwarnings("ignore", message=".*LightningCLI's args parameter.*")
    warnings.filterwarnings("ignore", message=".*The dirpath has changed.*")
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*is not supported by the model summary.*")
    warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
