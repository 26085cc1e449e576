"""The command `triptych`: LightningCLI's subcommands, made-up data, and mistakes told in one line."""

import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from triptych import synthetic
from triptych.callbacks import MaskWriter
from triptych.callbacks.mask_writer import run_folder
from triptych.processor import usable_precision

MADE_UP = {"camvid": synthetic.make_streets}
"""What `make-data` writes, by the name of the data set whose layout it has."""


class UsageError(Exception):
    """The command or its configuration cannot be understood."""


class Parser(LightningArgumentParser):
    """A parser that raises instead of printing its usage and leaving."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise UsageError(message) from ex


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
            parser_kwargs={"description": __doc__},
            auto_configure_optimizers=False,
            args=list(args),
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_lightning_class_args(MaskWriter, "predictions")

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
        writer = next(callback for callback in callbacks if isinstance(callback, MaskWriter))
        checkpoint = self.trainer.ckpt_path
        if checkpoint is not None:
            print(f"score: {best_score(checkpoint)}\ncheckpoint: {checkpoint}")
        print(f"pictures: {writer.folder / 'overlays'}\nmasks: {writer.folder / 'masks'}")
        print(f"curves: {_tensorboard()} --logdir {run_folder(self.trainer).parent}")


def make_data(args: Sequence[str]) -> None:
    """`triptych make-data NAME DIR`: writes made-up data in the layout of the real one."""
    if len(args) != 2 or args[0] not in MADE_UP:
        raise UsageError(
            f"expected `triptych make-data {{{','.join(MADE_UP)}}} DIR`, got {' '.join(args) or 'nothing'}."
        )
    print(f"made-up data: {MADE_UP[args[0]](args[1])}")


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line; a mistake of the user's ends in one line on standard error and exit code 1."""
    args = sys.argv[1:] if args is None else args
    _quiet()
    try:
        if args[:1] == ["make-data"]:
            make_data(args[1:])
        else:
            TriptychCLI(args)
    except (UsageError, ValueError, OSError, MisconfigurationException) as error:
        sys.exit(f"triptych: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What an error says, without the traceback that a worker process wraps around it."""
    if isinstance(error, PermissionError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}; choose a folder that can be written to."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and "DataLoader worker process" in lines[0]:
        return lines[-1].split(": ", 1)[-1]
    message = " ".join(lines)
    tried = re.fullmatch(r"(.*?)Does not validate against any of the Union subtypes.*?Errors: - (.*?) - .*", message)
    return "".join(tried.groups()) if tried else message


def best_score(checkpoint: str | Path) -> str:
    """What the checkpoint callback monitored, and the best value it had seen; "unknown" if there was none."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    for callback in state.get("callbacks", {}).values():
        if callback.get("best_model_score") is not None:
            return f"{callback['monitor']} {callback['best_model_score']:.4f}"
    return "unknown"


def _tensorboard() -> str:
    """The command as it can be typed here, in or outside of the environment."""
    return (
        "tensorboard" if shutil.which("tensorboard") else os.path.relpath(Path(sys.executable).with_name("tensorboard"))
    )


def _quiet() -> None:
    """Leaves out the advice of libraries about their own insides that a user can do nothing about."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: (
            "litlogger" not in record.getMessage() and "Loading `train_dataloader`" not in record.getMessage()
        )
    )
    warnings.filterwarnings("ignore", message=".*LightningCLI's args parameter.*")
    warnings.filterwarnings("ignore", message=".*The dirpath has changed.*")
    warnings.filterwarnings("ignore", message=".*is smaller than the logging interval.*")
    warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
