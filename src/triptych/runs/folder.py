"""The folder of a run, with its configuration, curves, checkpoints and predictions; no two runs share one."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from triptych.files import as_path, missing_folders, modified, remove_empty, remove_folder
from triptych.runs.checkpoint import read_checkpoint
from triptych.runs.layout import RunLayout, run_of
from triptych.runs.lock import LockedError, folder_lock

VERSION = "version_"
"""Beginning of a run folder's name if nobody named the run; a number follows."""

_CLAIMED, _CREATED, _LOCKS = "_claimed_folder", "_created_folders", "_folder_locks"
"""Attributes of a Trainer: the folder from `claim_folder`, the folders created for it, the deepest first, and locks."""


def own_folder(trainer: L.Trainer) -> Path:
    """The run folder of a trainer.

    It is that of the TensorBoardLogger, else of the CSVLogger, at any place in the list of loggers; else the one from
    `claim_folder`, and before that call `default_root_dir`. Nothing is created, and processes do not communicate, so
    that the first one may call it alone.
    """
    logger = folder_logger(trainer)
    if logger is not None:
        return as_path(logger.log_dir or trainer.default_root_dir)
    claimed: Path | None = getattr(trainer, _CLAIMED, None)
    return claimed or as_path(trainer.default_root_dir)


def folder_logger(trainer: L.Trainer) -> Logger | None:
    """The logger that defines the run folder: the first TensorBoardLogger, else the first CSVLogger, else None."""
    kinds = (TensorBoardLogger, CSVLogger)
    return next((logger for kind in kinds for logger in trainer.loggers if isinstance(logger, kind)), None)


def claim_folder(trainer: L.Trainer) -> Path:
    """The run folder of a trainer that is about to write; it is created if `folder_logger` is None.

    Another logger with a name and a version, such as W&B's or MLflow's, gives `NAME/VERSION` in its `save_dir` or else
    in `default_root_dir`, as for a ModelCheckpoint. Without one it is a new `version_N` there. Processes do not
    communicate, so that the first one may call it alone.
    """
    if folder_logger(trainer) is None and not hasattr(trainer, _CLAIMED):
        logger = trainer.logger
        root = as_path((logger.save_dir if logger is not None else None) or trainer.default_root_dir)
        folder = _named(root, logger)
        created = missing_folders(folder or root)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        elif trainer.is_global_zero:
            folder = _new_version(root)
            created = [folder, *created]
        else:
            folder = max(_versions(root), key=_number, default=root)  # the first process created it
        setattr(trainer, _CLAIMED, folder)
        setattr(trainer, _CREATED, created)
    return own_folder(trainer)


def continue_in(trainer: L.Trainer, folder: Path) -> None:
    """Gives the trainer the folder of an earlier run as its own, if no logger defines it."""
    setattr(trainer, _CLAIMED, folder)


def settle_folder(trainer: L.Trainer) -> Path:
    """Claims the run folder for all processes, and sends there each ModelCheckpoint that was not given a `dirpath`.

    Call it in all processes, in a `setup` hook. A fit locks the folder.

    Raises:
        FileExistsError: Another process writes there.
    """
    folder = trainer.strategy.broadcast(claim_folder(trainer))
    if folder_logger(trainer) is None:
        setattr(trainer, _CLAIMED, folder)
    default = ModelCheckpoint()
    default.setup(trainer, trainer.lightning_module, stage="")
    for one in trainer.checkpoint_callbacks:
        if isinstance(one, ModelCheckpoint) and one.dirpath in (None, default.dirpath):
            one.dirpath = str(RunLayout(folder).checkpoints)
    if trainer.state.fn == "fit":
        lock_folder(trainer, folder)
    return folder


def lock_folder(trainer: L.Trainer, folder: Path) -> None:
    """Locks a folder in the first process until `release_folder`; see `folder_lock`. Call it in all processes.

    Raises:
        FileExistsError: Another process writes there.
    """
    refused = None
    if trainer.is_global_zero:
        locks: contextlib.ExitStack = vars(trainer).setdefault(_LOCKS, contextlib.ExitStack())
        try:
            locks.enter_context(folder_lock(folder))
        except LockedError as error:
            refused = str(error)
    if refused := trainer.strategy.broadcast(refused):
        raise FileExistsError(refused)


def release_folder(trainer: L.Trainer) -> None:
    """Releases the locks of the trainer, and removes the folder from `claim_folder` again if it is empty."""
    if _LOCKS in vars(trainer):
        vars(trainer)[_LOCKS].close()
    created: list[Path] = getattr(trainer, _CREATED, [])
    if trainer.is_global_zero and created:
        remove_empty(created)
        if not created[0].exists():
            delattr(trainer, _CLAIMED)
            delattr(trainer, _CREATED)


@contextlib.contextmanager
def no_empty_run(trainer: L.Trainer, checkpoint: str | None = None) -> Iterator[None]:
    """Removes the new run folder if the run fails before its first step.

    Args:
        trainer: Its loggers define the folder.
        checkpoint: The checkpoint from which the run starts.

    Raises:
        FileExistsError: The folder holds another run, and the checkpoint is not in it; or a recipe.
    """
    created = []
    if folder_logger(trainer) is not None:
        folder = own_folder(trainer)
        if trainer.is_global_zero and RunLayout(folder).recipe.exists():
            raise FileExistsError(
                f"{folder}: expected a folder for a fit, got that of a recipe; name a new one, "
                "`--trainer.logger.init_args.version NAME`."
            )
        if trainer.is_global_zero and not is_in(checkpoint, folder) and RunLayout(folder).traces():
            raise FileExistsError(
                f"{folder}: another run is in this folder; name a new one, `--trainer.logger.init_args.version NAME`."
            )
        created = missing_folders(folder)
    steps_before = read_checkpoint(checkpoint)["global_step"] if checkpoint and as_path(checkpoint).is_file() else 0
    try:
        yield
    except (Exception, SystemExit):
        if trainer.is_global_zero and trainer.global_step <= steps_before:
            _remove(created or getattr(trainer, _CREATED, []))
        raise
    finally:
        release_folder(trainer)


def is_in(path: str | Path | None, folder: Path) -> bool:
    """Whether a path is given and lies below `folder`."""
    return path is not None and folder.resolve() in as_path(path).resolve().parents


def newest_runs(runs: Path, has: Path, names: str = "*") -> list[Path]:
    """The runs that have the file `has`, the one whose file was modified last first.

    Args:
        runs: Folder of the runs.
        has: A file that a run must have, relative to its folder.
        names: A pattern that the names of the runs match.

    Raises:
        FileNotFoundError: No run has the file.
    """
    found = sorted(runs.glob(f"{names}/{has}"), key=modified, reverse=True)
    if not found:
        raise FileNotFoundError(f"{runs}: expected a run to resume, with {has} in it, found none.")
    return [path.parents[len(has.parts) - 1] for path in found]


def run_folder(trainer: L.Trainer) -> Path:
    """The run folder of the trainer's checkpoint, or else of the trainer itself."""
    return checkpoint_folder(trainer) or own_folder(trainer)


def checkpoint_folder(trainer: L.Trainer) -> Path | None:
    """The run folder of the trainer's checkpoint, if it has one that lies in a run folder."""
    return None if trainer.ckpt_path is None else run_of(as_path(trainer.ckpt_path))


def _named(root: Path, logger: Logger | None) -> Path | None:
    """The folder after a logger's name and version; None if it has no version."""
    getattr(logger, "experiment", None)  # begun here if need be: it gives the version
    if logger is None or logger.version in (None, ""):
        return None
    version = logger.version if isinstance(logger.version, str) else f"{VERSION}{logger.version}"
    return root / str(logger.name) / version


def _new_version(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    number = max(map(_number, _versions(root)), default=-1) + 1
    while True:
        folder = root / f"{VERSION}{number}"
        try:
            folder.mkdir()
        except FileExistsError:  # another process was faster
            number += 1
        else:
            return folder


def _versions(root: Path) -> list[Path]:
    return [path for path in root.glob(f"{VERSION}*") if path.name.removeprefix(VERSION).isdecimal()]


def _number(version: Path) -> int:
    return int(version.name.removeprefix(VERSION))


def _remove(created: list[Path]) -> None:
    """Removes the first folder with all that is in it, and the others if they are empty."""
    if created:
        remove_folder(created[0])
        remove_empty(created[1:])  # another run may have been started in one by now
