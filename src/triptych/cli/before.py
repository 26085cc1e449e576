"""A recipe that begins with another one: where that one runs, with which arguments, and what is taken from it."""

from collections import ChainMap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from jsonargparse.typing import Path_fr
from lightning.pytorch.cli import instantiate_class

from triptych.cli.resume import FOLDER_LOGGERS, folder_logger_of
from triptych.errors import UsageError
from triptych.files import as_path
from triptych.runs.layout import RunLayout
from triptych.runs.plain_yaml import read_yaml
from triptych.trainer.processes import say

_SHARED = ("--trainer.", "--seed_everything", "--resume", "--dry_run", "--every_n_steps")
"""Beginnings of the typed options that are those of the first recipe too."""
_DATA = "--data."


def check_before(config: Namespace) -> None:
    """Checks that a recipe can begin with another one, and keeps the path of its file for any folder.

    Args:
        config: Configuration of the recipe; its `before` is a path.

    Raises:
        UsageError: Its model does not start from an encoder, or from another one already.
    """
    config.before = Path_fr(config.before.absolute)
    arguments = config.model.get("init_args") or {}
    if "encoder_weights" not in arguments:
        raise UsageError(f"before: expected a model with encoder_weights, got {config.model.class_path}.")
    for name, given in (("model.encoder_weights", arguments["encoder_weights"]), ("ckpt_path", config.ckpt_path)):
        if given is not None:
            raise UsageError(f"{name}: expected null, as the encoder is that of the recipe before, got {given}.")


def folder_before(trainer: Namespace) -> Path:
    """The run folder of the first recipe, in that of the one that follows; the logger gets the version of the latter.

    Args:
        trainer: Configuration of the Trainer of the one that follows.

    Raises:
        UsageError: No logger defines a run folder.
    """
    logger = folder_logger_of(trainer)
    if logger is None or not logger.class_path.endswith(FOLDER_LOGGERS):
        raise UsageError(
            f"before: expected one of {', '.join(FOLDER_LOGGERS)} among trainer.logger, in whose folder both recipes "
            f"run, got {'none' if logger is None else logger.class_path}."
        )
    made: Any = instantiate_class((), logger.as_dict())
    logger.init_args.version = made.version
    return RunLayout(as_path(made.log_dir)).before


def place(trainer: Namespace, folder: Path) -> None:
    """Makes a folder the one of the logger that defines the run folder, if there is such a logger."""
    logger = folder_logger_of(trainer)
    if logger is not None and logger.class_path.endswith(FOLDER_LOGGERS):
        logger.init_args.save_dir, logger.init_args.name = str(folder.parent), ""
        logger.init_args.version = folder.name


def arguments_before(args: Sequence[str], config: Namespace) -> list[str]:
    """The command of the first recipe: its file, and what was typed for Trainer, seed and data.

    Options of the data are left out if its data are of another class, and one of them if its file sets it otherwise
    than the file of the recipe that follows: there they differ by design.

    Args:
        args: The command of the recipe that follows; each option has a value.
        config: Its configuration.
    """
    typed = [*_options(args)]
    data_class, first = _data_in(config.before)
    kept = [(option, value) for option, value in typed if option.startswith(_SHARED)]
    if data_class.rpartition(".")[2] == config.data.class_path.rpartition(".")[2]:
        files = [_data_in(value)[1] for option, value in typed if option in ("--config", "-c")]
        following = ChainMap(*reversed(files))
        fixed = [name for name, value in first.items() if following.get(name, value) != value]
        kept += [(one, value) for one, value in typed if one.startswith(_DATA) and _argument(one) not in fixed]
    return ["recipe", "--config", str(config.before), *(f"{option}={value}" for option, value in kept)]


def _data_in(file: Any) -> tuple[str, dict[str, Any]]:
    """Class path and arguments of the data in a configuration."""
    data = read_yaml(Path(file)).get("data") or {}
    return str(data.get("class_path")), data.get("init_args") or {}


def start_from(config: Namespace, folder: Path) -> None:
    """Fills in `model.encoder_weights`, and `data.vocab` if it is null, from the finished first recipe."""
    layout = RunLayout(folder)
    if not layout.summary.is_file():
        say("before: it is not trained yet, so this plan is made with random weights.")
        return
    config.model.init_args.encoder_weights = str(layout.find_checkpoint())
    data = config.data.get("init_args")
    if data is not None and data.get("vocab", "") is None:
        data.vocab = str(folder)


def _options(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value, from `--option value` and `--option=value`."""
    is_value = False
    for arg, following in pairwise([*args, ""]):
        if is_value or not arg.startswith("-"):
            is_value = False
            continue
        option, equals, value = arg.partition("=")
        is_value = not equals
        yield option, value if equals else following


def _argument(option: str) -> str:
    """The name of an argument of the data, such as `root` for `--data.root` and `--data.init_args.root`."""
    return option.removeprefix(_DATA).removeprefix("init_args.").rstrip("+").partition(".")[0]
