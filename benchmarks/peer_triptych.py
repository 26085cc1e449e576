"""Worker of `peers.py`: triptych trains, by `Trainer.fit`."""

import triptych  # first, as on the command line: it chooses how torch's threads wait

# isort: split
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import lightning as L
from peer_job import LITE, Job

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.images import ImageTask
from triptych.tasks.score_report import NoScoreReport
from triptych.trainer.precision import fastest_precision

CLASSES = {
    "camvid": ("CamVidDataModule", "UNetSegmenter"),
    "biwi": ("BIWIDataModule", "PointRegressor"),
    "planet": ("PlanetDataModule", "MultiLabelClassifier"),
}


def made(job: Job) -> tuple[ImageTask, TriptychDataModule]:
    """Model and data of a job, with the network built and the files found."""
    triptych.quiet()
    L.seed_everything(job.seed, verbose=False)
    of_data, of_model = (getattr(triptych, name) for name in CLASSES[job.row.task])
    task, settings = job.task, job.settings
    data = of_data(job.root, task.image_size, task.batch_size, seed=job.seed, **task.split, **settings.get("data", {}))
    data.setup("fit")
    weights = "imagenet" if job.row.encoder == LITE else None
    model = of_model(encoder=job.row.encoder, encoder_weights=weights, **settings.get("model", {}))
    model.resolve(data.metadata)
    model.configure_model()
    return model, data


class Watched(L.Callback):
    """Tells the watch what happens."""

    def __init__(self, job: Job, watch: Any, precision: str) -> None:
        self.job, self.watch, self.precision = job, watch, precision
        self.waits = True

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.waits:  # the first stage begins
            self.waits = False
            self.watch.ready(self.precision)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Mapping[str, Any], batch_idx: int
    ) -> None:
        self.watch.step(len(batch[pl_module.target]))

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.watch.pause()

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        self.watch.scored(float(pl_module.last_scores[self.job.task.score]))


def fits(job: Job, model: ImageTask, data: TriptychDataModule, settings: Mapping[str, Any]) -> None:
    """Trains the stages, each by `Trainer.fit`; nothing is logged or saved."""
    for first, epochs, rates in job.stages:
        model.retune(freeze_to=first, max_lr=[*rates])
        trainer = L.Trainer(
            **settings, max_epochs=epochs, logger=False, enable_checkpointing=False, enable_model_summary=False
        )
        trainer.fit(model, data)


def recipe(job: Job, model: ImageTask, data: TriptychDataModule, settings: Mapping[str, Any]) -> None:
    """Trains the stages by `run_recipe`, which also plans, logs and saves; only a head's stage gets more settings."""
    stages = []
    for number, (first, epochs, rates) in enumerate(job.stages, start=1):
        more = job.settings["head_stage"] if first else {}
        stages.append(triptych.Stage(f"{number}", epochs, freeze_to=first, max_lr=[*rates], **more))
    with tempfile.TemporaryDirectory() as folder:
        triptych.run_recipe(model, data, stages, settings, folder, seed=job.seed)


def train(job: Job) -> None:
    model, data = made(job)
    watch, precision = job.watch(), job.settings["precision"]
    if precision == "auto":
        precision = fastest_precision({"accelerator": "cpu"}, model, data)
    settings = {
        "accelerator": "cpu",
        "precision": precision,
        "callbacks": [Watched(job, watch, precision), NoScoreReport()],
        "limit_val_batches": None if job.scores else 0,
        "num_sanity_val_steps": 0,
        "enable_progress_bar": False,
        **job.settings.get("trainer", {}),
    }
    (recipe if "head_stage" in job.settings else fits)(job, model, data, settings)


def main() -> None:
    train(Job(sys.argv[1]))


if __name__ == "__main__":
    main()
