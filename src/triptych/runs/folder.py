"""The folder with the curves, configuration and checkpoints of a run."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import lightning as L

from triptych.runs.layout import RunLayout, run_of


@contextlib.contextmanager
def no_empty_run(trainer: L.Trainer, resumes: bool = False) -> Iterator[None]:
    """Removes the new run folder if the run fails before its first step.

    Args:
        trainer: Its logger defines the folder.
        resumes: Whether the trainer resumes the run in this folder.

    Raises:
        FileExistsError: The folder holds another run, or a recipe.
    """
    log_dir = own_folder(trainer) if trainer.loggers else None
    folders = [Path(log_dir), *Path(log_dir).parents] if log_dir is not None else []
    if trainer.is_global_zero and folders and RunLayout(folders[0]).recipe.exists():
        raise FileExistsError(
            f"{folders[0]}: expected a folder for a fit, got that of a recipe; name a new one, "
            "`--trainer.logger.init_args.version NAME`."
        )
    if trainer.is_global_zero and folders and not resumes and RunLayout(folders[0]).config.exists():
        raise FileExistsError(
            f"{folders[0]}: another run is in this folder; name a new one, `--trainer.logger.init_args.version NAME`."
        )
    created = [folder for folder in folders if not folder.exists()]
    try:
        yield
    except Exception:
        if created and trainer.is_global_zero and trainer.global_step == 0:
            shutil.rmtree(created[0], ignore_errors=True)
            with contextlib.suppress(OSError):  # another run may have been started in it by now
                for folder in created[1:]:
                    folder.rmdir()
        raise


def newest_run(runs: Path, has: Path) -> Path:
    """The run whose file `has` was modified last.

    Args:
        runs: Folder of the runs.
        has: A file that the run must have, relative to its folder.

    Raises:
        FileNotFoundError: No run has the file.
    """
    found = sorted(runs.glob(f"*/{has}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(f"{runs}: expected a run to resume, with {has} in it, found none.")
    return found[-1].parents[len(has.parts) - 1]


def run_folder(trainer: L.Trainer) -> Path:
    """The run folder of the trainer's checkpoint, or else of the trainer itself."""
    run = None if trainer.ckpt_path is None else run_of(Path(trainer.ckpt_path))
    return run or Path(own_folder(trainer) or trainer.default_root_dir)


def own_folder(trainer: L.Trainer) -> str | None:
    """The folder of the first logger that writes into one, such as a TensorBoardLogger or a CSVLogger.

    Without loggers it is `default_root_dir`; None if no logger writes into a folder. The processes do not communicate,
    so the first one may call it alone.
    """
    if not trainer.loggers:
        return trainer.default_root_dir
    return next((logger.log_dir for logger in trainer.loggers if logger.log_dir is not None), None)
