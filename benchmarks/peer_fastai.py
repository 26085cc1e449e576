"""Worker of `peers.py`: fastai trains, by `Learner.fit_one_cycle`, with its own data blocks and augmentations."""

from __future__ import annotations  # names of a package that may be missing

import sys
from typing import Any

import torch
from peer_job import LITE, Job
from peer_triptych import made
from torch import Tensor, nn

from triptych.models.network import TransferNetwork
from triptych.tasks.images import ImageTask

try:
    from fastai.vision import all as fastai
except ImportError as error:
    MISSING = f"{error}: this worker needs fastai; see benchmarks/peers.py."
else:
    MISSING = ""

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "camvid": {},
    "biwi": {"max_rotate": 20, "max_zoom": 1.5, "max_lighting": 0.5, "max_warp": 0.4, "p_affine": 1, "p_lighting": 1},
    "planet": {"flip_vert": True, "max_lighting": 0.1, "max_zoom": 1.05, "max_warp": 0},
}
"""Arguments of `aug_transforms`: fast.ai 2019, lesson 3."""


def samples(job: Job, records: Any) -> list[tuple[Any, Any]]:
    """Path of an image, and its target as fastai's blocks take it."""
    if job.row.task == "camvid":
        return [(path, records.label_path(name)) for path, name in zip(records.paths, records.names, strict=True)]
    if job.row.task == "biwi":
        return [*zip(records.paths, records.points_px, strict=True)]
    return [(records.path(name), records.tags_of[name]) for name in records.names]


def loaders(job: Job, train: Any, val: Any, names: list[str] | None) -> fastai.DataLoaders:
    """The images, split as for the others.

    Args:
        job: What to do.
        train: Records of the training images.
        val: Records of the validation images.
        names: Names of classes or tags.
    """
    targets = {
        "camvid": lambda: fastai.MaskBlock(names),
        "biwi": lambda: fastai.PointBlock,
        "planet": lambda: fastai.MultiCategoryBlock(vocab=names),
    }
    items = samples(job, train) + samples(job, val)
    block = fastai.DataBlock(
        (fastai.ImageBlock, targets[job.row.task]()),
        getters=[fastai.ItemGetter(0), fastai.ItemGetter(1)],
        splitter=fastai.IndexSplitter(range(len(train), len(items))),
        batch_tfms=fastai.aug_transforms(size=job.task.image_size, **AUGMENTATIONS[job.row.task]),
    )
    return block.dataloaders(items, bs=job.task.batch_size, num_workers=0)


class AsFastai(nn.Module):
    """Takes fastai's pixels in [0, 1] and gives its points as (x, y); triptych has 0 to 255 and (y, x)."""

    def __init__(self, network: TransferNetwork, points: bool) -> None:
        super().__init__()
        self.network, self.points = network, points

    def forward(self, images: Tensor) -> Tensor:
        preds: Tensor = self.network(255 * images)
        return preds.flip(-1) if self.points else preds


def learner(job: Job, model: ImageTask, data: fastai.DataLoaders) -> fastai.Learner:
    if job.row.encoder != LITE:
        return fastai.unet_learner(data, getattr(fastai, job.row.encoder), pretrained=False)
    network = AsFastai(model.network, points=job.row.task == "biwi")
    return fastai.Learner(data, network, splitter=lambda _: [*model.network.layer_groups().values()], wd=0.01)


def watched(job: Job, model: ImageTask, watch: Any) -> fastai.Callback:
    """Tells the watch what happens; the scores are computed as for the others."""

    class Watched(fastai.Callback):
        def before_fit(self) -> None:
            self.learn.logger = fastai.noop

        def before_validate(self) -> None:
            if not job.scores:
                raise fastai.CancelValidException
            watch.pause()
            model.scores = model.build_scores()

        def after_batch(self) -> None:
            if self.training:
                watch.step(len(self.x))
            else:
                update_scores(model, self.pred, self.y)

        def after_validate(self) -> None:
            if job.scores:
                watch.scored(float(model.scores.compute()[job.task.score]))

    return Watched()


def update_scores(model: ImageTask, preds: Tensor, target: Tensor) -> None:
    preds, target = preds.as_subclass(Tensor), target.as_subclass(Tensor)
    if model.target == "point":
        preds, target = preds.flip(-1), target.flip(-1)
    model.update_scores(preds, {model.target: target, "size": torch.ones(len(preds), 2)})


def train(job: Job) -> None:
    model, data = made(job)
    records = (data.records["train"], data.records["val"])
    names = model.hparams.get("class_names") or model.hparams.get("tags")
    fastai.set_seed(job.seed)
    learn = learner(job, model, loaders(job, *records, names))
    watch = job.watch()
    callback = watched(job, model, watch)
    watch.ready("32-true")
    for first, epochs, rates in job.stages:
        learn.freeze_to(first)
        learn.fit_one_cycle(epochs, slice(*rates), cbs=callback, reset_opt=True)


def main() -> None:
    if MISSING:
        sys.exit(MISSING)
    fastai.defaults.callbacks = [fastai.TrainEvalCallback, fastai.Recorder]  # without progress bars
    train(Job(sys.argv[1]))


if __name__ == "__main__":
    main()
