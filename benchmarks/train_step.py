"""Which fraction of the images or tokens a second of a bare loop does `Trainer.fit` reach, with the shipped callbacks?

Model, data, batch size, precision and callbacks are those of `configs/TASK.yaml`. Callbacks that save checkpoints are
left out, since they act only every fifty steps or after a validation.

python benchmarks/train_step.py [camvid|biwi|planet|imdb|imdb_language_model] [DIR]     on made-up data, or on DIR
"""

import importlib
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
import yaml
from lightning.pytorch.callbacks import Checkpoint
from side_by_side import side_by_side

from triptych.cli.make_data import MADE_UP
from triptych.datamodules.base import TriptychDataModule
from triptych.optim import adamw
from triptych.tasks.base import TransferTask
from triptych.trainer.cpu import keep_freed_memory
from triptych.trainer.precision import fastest_precision

STEPS, SKIPPED, ROUNDS = 18, 3, 5
LOSSES: dict[str, Callable[[Any, Any], torch.Tensor]] = {
    "camvid": lambda model, batch: model.mean_loss(model(batch["image"]), batch["mask"]),
    "biwi": lambda model, batch: F.mse_loss(model(batch["image"]), batch["point"]),
    "planet": lambda model, batch: model.mean_loss(model(batch["image"]), batch["labels"]),
    "imdb": lambda model, batch: F.cross_entropy(model(batch["tokens"]).float(), batch["category"]),
}
"""What the bare loop minimises: the losses of the tasks, without logging."""


class LanguageLoss:
    """The loss of a language model, whose state goes on from batch to batch."""

    def __init__(self) -> None:
        self.state: Any = None

    def __call__(self, model: Any, batch: Any) -> torch.Tensor:
        out = model.network(batch["tokens"], self.state)
        self.state = out.state
        loss = F.cross_entropy(out.logits.float().flatten(0, 1), batch["next"].flatten())
        steps = out.raw.float().diff(dim=1)
        return loss + 2 * out.dropped.float().square().mean() + steps.square().mean()


def count(batch: Any) -> int:
    """Number of images, or of tokens with their padding."""
    return len(batch["image"]) if "image" in batch else batch["tokens"].numel()


class Stopwatch(L.Callback):
    """Measures the seconds per image or token from the end of the first few steps to the end of the last."""

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: object, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step <= SKIPPED:
            self.start, self.counted = time.perf_counter(), 0
        else:
            self.counted += count(batch)
            self.seconds = (time.perf_counter() - self.start) / self.counted


def made(part: dict[str, Any], **more: Any) -> Any:
    """Builds the object that a part of the configuration describes."""
    module, name = part["class_path"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**{**part.get("init_args", {}), **more})


def fit(model: TransferTask, data: TriptychDataModule, settings: dict[str, Any], folder: str) -> float:
    watch, callbacks = Stopwatch(), [made(part) for part in settings["callbacks"]]
    trainer = L.Trainer(
        max_steps=STEPS,
        limit_val_batches=0,
        accelerator="cpu",
        precision=settings["precision"],
        log_every_n_steps=settings["log_every_n_steps"],
        logger=made(settings["logger"], save_dir=folder),
        callbacks=[watch, *(callback for callback in callbacks if not isinstance(callback, Checkpoint))],
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(model, data)
    return watch.seconds


def bare_loop(task: str, model: TransferTask, data: TriptychDataModule, precision: str) -> float:
    assert model.network is not None
    optimizer = adamw(model.network.layer_groups(), model.hparams["max_lr"], model.hparams["weight_decay"])
    peaks = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, total_steps=STEPS)
    loader, loss_of = data.train_dataloader(), LOSSES.get(task) or LanguageLoss()
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    model.train()
    for step, batch in enumerate(itertools.islice(batches, STEPS), start=1):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = loss_of(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step <= SKIPPED:
            start, counted = time.perf_counter(), 0
        else:
            counted += count(batch)
    return (time.perf_counter() - start) / counted


def main() -> None:
    task, *root = sys.argv[1:] or ["camvid"]
    config = yaml.safe_load((Path(__file__).parents[1] / "configs" / f"{task}.yaml").read_text())
    settings = config["trainer"]
    with tempfile.TemporaryDirectory() as folder:
        data_set = task.partition("_")[0]
        data = made(config["data"], root=root[0] if root else str(MADE_UP[data_set](f"{folder}/{data_set}")))
        data.setup("fit")
        model = made(config["model"])
        model.resolve(data.metadata)
        model.configure_model()
        settings["precision"] = fastest_precision({"accelerator": "cpu"}, model, data)
        keep_freed_memory()
        medians = side_by_side(
            {
                "bare loop, each": lambda: bare_loop(task, model, data, settings["precision"]),
                "Trainer.fit, each": lambda: fit(model, data, settings, folder),
            },
            rounds=ROUNDS,
        )
    bare, trained = (1 / seconds for seconds in medians.values())
    print(f"{task}, each a second: bare loop {bare:.1f}, Trainer.fit {trained:.1f}, ratio {trained / bare:.3f}")


if __name__ == "__main__":
    main()
