"""The run that `--ckpt_path last` and `--resume` resume, and whether it has anything left to train."""

from pathlib import Path

import lightning as L
from jsonargparse import Namespace

from triptych.errors import UsageError
from triptych.runs.checkpoint import read_checkpoint, trained_epochs
from triptych.runs.folder import VERSION, newest_run

_KINDS = ("TensorBoardLogger", "CSVLogger")
"""Loggers that define the run folder, as in `triptych.runs.folder`."""

_VERSION_KEYS = ("version", "run_id", "experiment_key")
"""Arguments by which a logger continues a run: most loggers, MLflow's, Comet's."""


def resumed_run(trainer: Namespace, state: Path) -> Path:
    """Finds the run to resume, named by the logger's version or else the newest, and names it in the configuration.

    Args:
        trainer: Configuration of the Trainer; its logger gets the version of the run.
        state: A file that the run must have, relative to its folder.

    Raises:
        FileNotFoundError: No run has the file.
        ValueError: The logger cannot continue a run.
    """
    root = Path(trainer.get("default_root_dir") or Path.cwd())
    logger = _folder_logger(trainer)
    if logger is None:
        return newest_run(root, state, f"{VERSION}*")
    arguments = logger.init_args
    key = next((key for key in _VERSION_KEYS if key in arguments), None)
    if key is None:
        raise UsageError(
            f"trainer.logger: expected a logger with a version, to find the run to resume, got {logger.class_path}; "
            "give the path of a checkpoint instead of last."
        )
    version = arguments.get(key)
    name = f"{VERSION}{version}" if isinstance(version, int) else version
    runs = Path(arguments.get("save_dir") or root)
    if logger.class_path.endswith(_KINDS):
        runs = runs / (arguments.get("name") or "")
        run = newest_run(runs, state) if name is None else runs / name
    else:
        run = newest_run(runs, state, f"{arguments.get('project') or '*'}/{name or '*'}")
    arguments[key] = run.name
    return run


def nothing_left(trainer: L.Trainer, checkpoint: str) -> str:
    """Why a fit that resumes from `checkpoint` would train nothing, in one line; empty if it trains."""
    if not Path(checkpoint).is_file():
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


def _folder_logger(trainer: Namespace) -> Namespace | None:
    """The configuration of the logger that defines the run folder; None without loggers."""
    if trainer.logger in (None, True):  # Lightning's default
        save_dir = trainer.get("default_root_dir") or "."
        trainer.logger = Namespace()  # type: ignore[no-untyped-call]
        trainer.logger["class_path"] = f"lightning.pytorch.loggers.{_KINDS[0]}"
        trainer.logger["init_args.save_dir"], trainer.logger["init_args.name"] = save_dir, "lightning_logs"
        trainer.logger["init_args.version"] = None
    loggers = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger] if trainer.logger else []
    first = [logger for kind in _KINDS for logger in loggers if logger.class_path.endswith(kind)]
    return next(iter([*first, *loggers]), None)
