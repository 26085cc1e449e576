"""What the command line prints at its end: scores, and the paths of the results."""

import os
import shutil
import sys
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only

from triptych.callbacks import PredictionWriter, ResumePoint
from triptych.cli.trainer import CommandTrainer
from triptych.runs.checkpoint import best_score, named_score
from triptych.runs.folder import own_folder, run_folder
from triptych.runs.layout import RunLayout
from triptych.tasks.split_scores import SplitScores
from triptych.trainer.tensorboard import tensorboard_logger


@rank_zero_only
def say_fit(trainer: L.Trainer) -> None:
    """Prints score and checkpoint of each ModelCheckpoint, or else the last one, and the TensorBoard command."""
    callbacks = trainer.checkpoint_callbacks
    kept = [one for one in callbacks if isinstance(one, ModelCheckpoint) and one.best_model_path]
    scores: SplitScores | None = getattr(trainer.lightning_module, "split_scores", None)
    over = "" if scores is None else scores.over
    for callback in kept:
        if callback.best_model_score is not None:  # it is None without `monitor`
            print(f"score: {named_score(str(callback.monitor), float(callback.best_model_score), over)}")
        print(f"checkpoint: {callback.best_model_path}")
    if not kept:
        for path in (one.path(trainer) for one in callbacks if isinstance(one, ResumePoint)):
            print(f"checkpoint: {path}")
    _say_curves(trainer)


@rank_zero_only
def say_recipe(trainer: CommandTrainer) -> None:
    """Prints the last stage's score and checkpoint, and the TensorBoard command."""
    if trainer.results:  # not after a dry run
        last = trainer.results[-1].checkpoint
        print(f"score: {best_score(last)}\ncheckpoint: {last}")
        _say_curves(trainer)


@rank_zero_only
def say_predictions(trainer: L.Trainer) -> None:
    """Prints the score, the checkpoint, the paths of the predictions and the TensorBoard command."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    checkpoint = trainer.ckpt_path
    if checkpoint is not None:
        print(f"score: {best_score(checkpoint)}\ncheckpoint: {checkpoint}")
    for writer in callbacks:
        if isinstance(writer, PredictionWriter):
            print("\n".join(f"{name}: {path}" for name, path in writer.made().items()))
    print(f"curves: {_tensorboard()} --logdir {run_folder(trainer).parent}")


def _say_curves(trainer: L.Trainer) -> None:
    logger = tensorboard_logger(trainer)
    if logger is not None:
        print(f"curves: {_tensorboard()} --logdir {logger.root_dir}")
    elif (table := RunLayout(own_folder(trainer)).metrics).exists():
        print(f"curves: {table}")


def _tensorboard() -> str:
    """The TensorBoard command; with its path if it is not on PATH."""
    return (
        "tensorboard" if shutil.which("tensorboard") else os.path.relpath(Path(sys.executable).with_name("tensorboard"))
    )
