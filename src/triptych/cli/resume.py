"""The run that `--ckpt_path last` and `--resume` go on with, and whether it has anything left to train."""

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

import lightning as L
from jsonargparse import Namespace

from triptych.cli.identity import difference, is_as_long, take_resolved
from triptych.errors import UsageError
from triptych.files import as_path
from triptych.runs.checkpoint import read_checkpoint, trained_epochs
from triptych.runs.folder import VERSION, newest_runs
from triptych.runs.lock import LockedError, folder_lock, holder_of, lock_of_parent
from triptych.trainer.processes import is_first_process

FOLDER_LOGGERS = ("TensorBoardLogger", "CSVLogger")
"""Loggers that define the run folder, as in `triptych.runs.folder`."""

_VERSION_KEYS = ("version", "run_id", "experiment_key")
"""Arguments by which a logger continues a run: most loggers, MLflow's, Comet's."""


def resumed_run(config: Namespace, state: Path, locks: contextlib.ExitStack) -> Path:
    """Finds the run to go on with, and names it in the configuration.

    It is the run named by the logger's version, or else the newest one that has the identity of the configuration and
    that no living process writes; a run of the same length goes before one of another.

    Args:
        config: Configuration of a fit or a recipe; its logger gets the version of the run, and what a word such as
            `auto` stood for is taken from the run.
        state: A file that the run must have, relative to its folder.
        locks: Gets the lock of the run, in the first process.

    Raises:
        FileNotFoundError: No run has the file.
        FileExistsError: Another process writes the run.
        UsageError: No run has the identity, or the logger cannot continue a run.
    """
    runs, logger, key = _named_runs(config.trainer, state)
    run = None if is_first_process() else lock_of_parent()
    if run is None:
        run = _locked(_same(runs, state, config), state, locks)
    if logger is not None:
        logger.init_args[key] = run.name
    take_resolved(config, run)
    return run


def _named_runs(trainer: Namespace, state: Path) -> tuple[list[Path], Namespace | None, str]:
    """The runs that may be meant, the newest first; the logger that names a run, and its argument for the name."""
    root = as_path(trainer.get("default_root_dir") or Path.cwd())
    logger = folder_logger_of(trainer)
    if logger is None:
        return newest_runs(root, state, f"{VERSION}*"), None, ""
    arguments = logger.init_args
    key = next((key for key in _VERSION_KEYS if key in arguments), None)
    if key is None:
        raise UsageError(
            f"trainer.logger: expected a logger with a version, to find the run to resume, got {logger.class_path}; "
            "give the path of a checkpoint instead of last."
        )
    version = arguments.get(key)
    name = f"{VERSION}{version}" if isinstance(version, int) else version
    runs = as_path(arguments.get("save_dir") or root)
    if not logger.class_path.endswith(FOLDER_LOGGERS):
        return newest_runs(runs, state, f"{arguments.get('project') or '*'}/{name or '*'}"), logger, key
    runs = runs / (arguments.get("name") or "")
    return newest_runs(runs, state) if name is None else [runs / name], logger, key


def _same(runs: list[Path], state: Path, config: Namespace) -> list[Path]:
    """The runs with the identity of the configuration, those of the same length first."""
    now = config.as_dict()
    if not (runs[0] / state).is_file():  # named by the user; whoever opens it says that it is not there
        return runs
    differences = [(run, difference(run, now)) for run in runs]
    same = [run for run, changed in differences if changed is None]
    if not same:
        run, changed = differences[0]
        if "stages" in now:
            raise UsageError(f"{run}: this run cannot be resumed: {changed}; start a new one, without --resume.")
        raise UsageError(
            f"{run}: {changed}; give its checkpoint as --ckpt_path to go on with other settings, or leave --ckpt_path "
            "out to start a new run."
        )
    return sorted(same, key=lambda run: not is_as_long(run, now))


def _locked(runs: list[Path], state: Path, locks: contextlib.ExitStack) -> Path:
    """The first of the runs that no other living process writes, locked; other than first processes take it for so."""
    if not is_first_process():
        holders = {run: holder_of(run) for run in runs}
        ours = [run for run, holder in holders.items() if holder is not None and holder.is_of_this_launch]
        free = [run for run, holder in holders.items() if holder is None or holder.is_gone]
        return [*ours, *free, *runs][0]
    refused: list[LockedError] = []
    for run in runs:
        if not (run / state).is_file():
            return run
        try:
            locks.enter_context(folder_lock(run))
        except LockedError as error:
            refused.append(error)
        else:
            return run
    raise refused[0]


def resuming_command(args: Sequence[str]) -> str:
    """The command that goes on with the run of a fit or a recipe."""
    if args[:1] == ["recipe"]:
        return shlex.join(["triptych", *args, *([] if "--resume" in args else ["--resume"])])
    pairs = zip(args, ["", *args], strict=False)
    others = [arg for arg, before in pairs if before != "--ckpt_path" and arg.partition("=")[0] != "--ckpt_path"]
    return shlex.join(["triptych", *others, "--ckpt_path", "last"])


def nothing_left(trainer: L.Trainer, checkpoint: str) -> str:
    """Why a fit that resumes from `checkpoint` would train nothing, in one line; empty if it trains."""
    if not as_path(checkpoint).is_file():
        return ""
    state = read_checkpoint(checkpoint)
    done = {"epochs": trained_epochs(state), "steps": state["global_step"]}
    for unit, most in (("epochs", trainer.max_epochs), ("steps", trainer.max_steps)):
        if most is not None and 0 <= most <= done[unit]:
            return (
                f"nothing left to train: {checkpoint} has {done[unit]} {unit} of --trainer.max_{unit} {most}; "
                f"give more, such as --trainer.max_{unit} {done[unit] + 1}."
            )
    return ""


def folder_logger_of(trainer: Namespace) -> Namespace | None:
    """The configuration of the logger that defines the run folder; None without loggers."""
    if trainer.logger in (None, True):  # Lightning's default
        save_dir = trainer.get("default_root_dir") or "."
        trainer.logger = Namespace()  # type: ignore[no-untyped-call]
        trainer.logger["class_path"] = f"lightning.pytorch.loggers.{FOLDER_LOGGERS[0]}"
        trainer.logger["init_args.save_dir"], trainer.logger["init_args.name"] = save_dir, "lightning_logs"
        trainer.logger["init_args.version"] = None
    loggers = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger] if trainer.logger else []
    first = [logger for kind in FOLDER_LOGGERS for logger in loggers if logger.class_path.endswith(kind)]
    return next(iter([*first, *loggers]), None)
