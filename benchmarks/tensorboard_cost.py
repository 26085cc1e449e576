"""Which fraction of an epoch do pictures, scores of classes and hyper-parameters in TensorBoard take?

Model, data, batch size, precision and callbacks are those of `configs/TASK.yaml`, without the ModelCheckpoint. The
hooks of the callbacks are timed within one fit: the difference of two fits would be smaller than their spread.

python benchmarks/tensorboard_cost.py [camvid|biwi|planet] [DIR]     on made-up data, or on those in DIR
"""

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import lightning as L
import yaml
from lightning.pytorch.callbacks import ModelCheckpoint
from train_step import made

from triptych.callbacks import ClassScores, FigureCallback, HyperParameters
from triptych.cli.make_data import MADE_UP
from triptych.trainer.precision import fastest_precision

EPOCHS, SKIPPED = 4, 1
HOOKS = {"on_train_batch_start": "the start", "on_validation_end": "a validation", "on_train_end": "the end"}
"""The hooks in which the callbacks work, and a name for each."""


class Stopwatch(L.Callback):
    """Measures the seconds of each epoch, validation included, and of the hooks of other callbacks.

    Args:
        watched: The callbacks whose hooks are timed.
    """

    def __init__(self, watched: list[L.Callback]) -> None:
        self.epochs: list[float] = []
        self.hooks: dict[str, list[float]] = defaultdict(list)
        for hook in HOOKS:
            for callback in watched:
                setattr(callback, hook, self._timed(hook, getattr(callback, hook)))

    def _timed(self, hook: str, method: Any) -> Any:
        def run(trainer: L.Trainer, *args: Any) -> None:
            start = time.perf_counter()
            method(trainer, *args)
            if not trainer.sanity_checking and trainer.current_epoch >= (SKIPPED if hook == "on_validation_end" else 0):
                self.hooks[hook].append(time.perf_counter() - start)

        return run

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch >= SKIPPED:
            self.epochs.append(time.perf_counter() - self.start)


def watched_fit(config: dict[str, Any], data: L.LightningDataModule, folder: str) -> Stopwatch:
    settings = config["trainer"]
    callbacks = [made(part) for part in settings["callbacks"]]
    watched = [one for one in callbacks if isinstance(one, (FigureCallback, ClassScores, HyperParameters))]
    watch = Stopwatch(watched)
    trainer = L.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        precision=settings["precision"],
        log_every_n_steps=settings["log_every_n_steps"],
        logger=made(settings["logger"], save_dir=folder),
        callbacks=[watch, *(one for one in callbacks if not isinstance(one, ModelCheckpoint))],
        enable_model_summary=False,
    )
    trainer.fit(made(config["model"]), data)
    return watch


def main() -> None:
    task, *root = sys.argv[1:] or ["camvid"]
    config = yaml.safe_load((Path(__file__).parents[1] / "configs" / f"{task}.yaml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        data = made(config["data"], root=root[0] if root else str(MADE_UP[task](f"{folder}/{task}")))
        config["trainer"]["precision"] = fastest_precision({"accelerator": "cpu"}, made(config["model"]), data)
        watch = watched_fit(config, data, folder)
    epoch, planned = median(watch.epochs), config["trainer"]["max_epochs"]
    seconds = {hook: sum(times) for hook, times in watch.hooks.items()}
    seconds["on_validation_end"] /= EPOCHS - SKIPPED
    for hook, label in HOOKS.items():
        fraction = seconds[hook] / epoch
        print(f"{task}, {label:12s} {seconds[hook]:7.3f} s, {fraction:6.2%} of an epoch of {epoch:.1f} s")
    once = seconds["on_train_batch_start"] + seconds["on_train_end"]
    fraction = (once + planned * seconds["on_validation_end"]) / (planned * epoch)
    print(f"{task}, all together {fraction:.2%} of the {planned} epochs of the configuration")


if __name__ == "__main__":
    main()
