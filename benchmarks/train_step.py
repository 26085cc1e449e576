"""How much of a bare loop's images a second are left inside `Trainer.fit`, with the shipped config's own callbacks?

python benchmarks/train_step.py [DIR]     made-up streets, or the frames in DIR
"""

import sys
import tempfile
import time

import lightning as L
import torch
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import TensorBoardLogger
from side_by_side import side_by_side

from triptych import CamVidDataModule, UNetSegmenter
from triptych.callbacks import ProgressBar
from triptych.processor import keep_freed_memory, usable_precision
from triptych.synthetic import make_streets

STEPS, SKIPPED = 18, 3


class Stopwatch(L.Callback):
    """Seconds between the end of the first few steps and the end of the last."""

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        if batch_idx == SKIPPED - 1:
            self.start = time.perf_counter()
        elif batch_idx == STEPS - 1:
            self.seconds = time.perf_counter() - self.start


def fit(model: UNetSegmenter, data: CamVidDataModule, precision: str, folder: str) -> float:
    watch = Stopwatch()
    trainer = L.Trainer(
        max_steps=STEPS,
        limit_val_batches=0,
        precision=precision,
        log_every_n_steps=5,
        logger=TensorBoardLogger(folder),
        callbacks=[watch, ProgressBar(), LearningRateMonitor("step", log_momentum=True)],
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(model, data)
    return watch.seconds


def bare_loop(model: UNetSegmenter, data: CamVidDataModule, precision: str) -> float:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.95, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=STEPS)
    loader = iter(data.train_dataloader())
    model.train()
    for step in range(STEPS):
        batch = next(loader)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = model.loss(model(batch["image"]), batch["mask"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step == SKIPPED - 1:
            start = time.perf_counter()
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = sys.argv[1] if sys.argv[1:] else str(make_streets(f"{folder}/streets"))
        data = CamVidDataModule(root, image_size=(192, 256), batch_size=8)
        data.setup("fit")
        model = UNetSegmenter(**data.facts, encoder="timm-tf_efficientnet_lite0")
        precision = usable_precision("bf16-mixed", "cpu")
        keep_freed_memory()
        medians = side_by_side(
            {
                "bare loop": lambda: bare_loop(model, data, precision),
                "Trainer.fit": lambda: fit(model, data, precision, folder),
            },
            rounds=5,
        )
    images = 8 * (STEPS - SKIPPED)
    bare, trained = (images / seconds for seconds in medians.values())
    print(f"images a second: bare loop {bare:.1f}, Trainer.fit {trained:.1f}, ratio {trained / bare:.3f}")


if __name__ == "__main__":
    main()
