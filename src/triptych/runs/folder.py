"""The folder in which a run keeps its curves, configuration and checkpoints."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import lightning as L

from triptych.runs.layout import RunLayout, run_of


@contextlib.contextmanager
def no_empty_run(trainer: L.Trainer, goes_on: bool = False) -> Iterator[None]:
    """Takes the folder away again where a mistake ended the run before its first step.

    Args:
        trainer: Its logger names the folder.
        goes_on: Whether it is the run of this folder that goes on.

    Raises:
        FileExistsError: The folder is another run's.
    """
    log_dir = trainer.logger.log_dir if trainer.logger is not None else None
    folders = [Path(log_dir), *Path(log_dir).parents] if log_dir is not None else []
    if trainer.is_global_zero and folders and not goes_on and RunLayout(folders[0]).config.exists():
        raise FileExistsError(
            f"{folders[0]}: another run is in this folder; name a new one, `--trainer.logger.init_args.version NAME`."
        )
    made = [folder for folder in folders if not folder.exists()]
    try:
        yield
    except Exception:
        if made and trainer.is_global_zero and trainer.global_step == 0:
            shutil.rmtree(made[0], ignore_errors=True)
            with contextlib.suppress(OSError):  # a neighbour's run may be in there by now
                for folder in made[1:]:
                    folder.rmdir()
        raise


def newest_run(runs: Path, has: Path) -> Path:
    """The run that was written to last.

    Args:
        runs: Folder of the runs.
        has: A file that the run must have, below its folder.

    Raises:
        FileNotFoundError: There is none.
    """
    found = sorted(runs.glob(f"*/{has}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(f"{runs}: expected a run to resume, with {has} in it, found none.")
    return found[-1].parents[len(has.parts) - 1]


def run_folder(trainer: L.Trainer) -> Path:
    """Where a run keeps its files: above its checkpoint's folder, or the trainer's own."""
    run = None if trainer.ckpt_path is None else run_of(Path(trainer.ckpt_path))
    return run or Path(own_folder(trainer) or trainer.default_root_dir)


def own_folder(trainer: L.Trainer) -> str | None:
    """`Trainer.log_dir` without asking the other processes, so that the first may call it alone."""
    return trainer.default_root_dir if trainer.logger is None else trainer.logger.log_dir
