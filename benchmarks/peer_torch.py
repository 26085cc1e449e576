"""Worker of `peers.py`: a bare loop of PyTorch, with triptych's network and data."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from peer_job import Job
from peer_triptych import made
from torch import Tensor
from torch.nn import functional as F

from triptych.datamodules.base import TriptychDataModule
from triptych.tasks.images import ImageTask
from triptych.trainer.cpu import keep_freed_memory


def loss_function(job: Job, ignore_index: int | None) -> Callable[[Tensor, Tensor], Tensor]:
    if job.row.task == "camvid":
        return lambda logits, mask: F.cross_entropy(logits, mask, ignore_index=ignore_index)
    return F.mse_loss if job.row.task == "biwi" else F.binary_cross_entropy_with_logits


def validated(model: ImageTask, data: TriptychDataModule, precision: str) -> dict[str, Tensor]:
    """The scores on the validation images."""
    model.eval()
    scores = model.scores = model.build_scores()
    with torch.inference_mode(), autocast(precision):
        for batch in data.val_dataloader():
            model.update_scores(model.network(batch["image"]), batch)
    return scores.compute()


def autocast(precision: str) -> Any:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed")


def train(job: Job) -> None:
    model, data = made(job)
    if job.settings.get("keep_memory"):
        keep_freed_memory()
    watch, precision = job.watch(), job.settings.get("precision", "32-true")
    network, loss_of = model.network, loss_function(job, model.hparams.get("ignore_index"))
    loader = data.train_dataloader()
    watch.ready(precision)
    for first, epochs, (lowest, highest) in job.stages:
        network.freeze_to(first)
        groups = network.layer_groups()
        rates = [lowest * (highest / lowest) ** (i / (len(groups) - 1)) for i in range(len(groups))]
        optimizer = torch.optim.AdamW([{"params": group} for group in groups.values()], weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, epochs * len(loader))
        for epoch in range(epochs):
            loader.sampler.set_epoch(epoch)
            model.train()
            for batch in loader:
                with autocast(precision):
                    loss = loss_of(network(batch["image"]).float(), batch[model.target])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                watch.step(len(batch["image"]))
            if job.scores:
                watch.pause()
                watch.scored(float(validated(model, data, precision)[job.task.score]))


def main() -> None:
    train(Job(sys.argv[1]))


if __name__ == "__main__":
    main()
