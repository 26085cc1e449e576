"""Worker of `peers.py`: triptych trains, by `Trainer.fit`."""

import triptych  # first, as on the command line: it chooses how torch's threads wait

# isort: split
import sys
from collections.abc import Mapping
from typing import Any

import lightning as L
from peers import LITE, Job

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.images import ImageTask
from triptych.trainer.precision import fastest_precision

CLASSES = {
    "camvid": ("CamVidDataModule", "UNetSegmenter"),
    "biwi": ("BIWIDataModule", "PointRegressor"),
    "planet": ("PlanetDataModule", "MultiLabelClassifier"),
}


def made(job: Job) -> tuple[ImageTask, TriptychDataModule]:
    """Model and data of a job, with the network built and the files found."""
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

    def __init__(self, job: Job, watch: Any) -> None:
        self.job, self.watch = job, watch

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Mapping[str, Any], batch_idx: int
    ) -> None:
        self.watch.step(len(batch["image"]))

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.watch.pause()

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        self.watch.scored(float(pl_module.last_scores[self.job.task.score]))


def train(job: Job) -> None:
    model, data = made(job)
    watch = job.watch()
    settings = {"accelerator": "cpu", "precision": job.settings["precision"], **job.settings.get("trainer", {})}
    if settings["precision"] == "auto":
        settings["precision"] = fastest_precision(settings, model, data)
    watch.ready(settings["precision"])
    for first, epochs, rates in job.stages:
        model.retune(freeze_to=first, max_lr=[*rates])
        trainer = L.Trainer(
            max_epochs=epochs,
            callbacks=[Watched(job, watch)],
            limit_val_batches=None if job.scores else 0,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            **settings,
        )
        trainer.fit(model, data)


def main() -> None:
    triptych.quiet()
    train(Job(sys.argv[1]))


if __name__ == "__main__":
    main()
