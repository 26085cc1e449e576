"""The bar shows loss and score in full in 80 columns, and ends before anything else is printed."""

import io
import re

import lightning as L
import pytest
from lightning.pytorch.demos.boring_classes import BoringModel
from rich import get_console, reconfigure
from torch import Tensor

from triptych.callbacks import ProgressBar


class Scored(BoringModel):
    """Logs what a segmenter logs."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        loss: Tensor = self.step(batch)
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val/void_masked_accuracy", 0.5, prog_bar=True, batch_size=1)


class PrintAtEnd(L.Callback):
    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        print("the end")

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.state.fn == "validate":
            print("the end")


@pytest.mark.parametrize("subcommand", ["fit", "validate"])
@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*logging interval", "ignore:.*LeafSpec")
def test_bar_is_whole_in_80_columns_and_ends_before_what_follows(subcommand: str) -> None:
    screen = io.StringIO()
    bar = ProgressBar()
    bar._console_kwargs = {"file": screen, "width": 80, "force_terminal": True, "color_system": None}
    trainer = L.Trainer(
        callbacks=[bar, PrintAtEnd()],
        max_epochs=12,
        limit_train_batches=10,
        limit_val_batches=2,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    try:
        getattr(trainer, subcommand)(Scored())
        assert not get_console()._live_stack
    finally:
        reconfigure()
    lines = [line.rstrip() for line in re.split(r"\x1b\[[\d;?]*[A-Za-z]|\r|\n", screen.getvalue())]
    assert max(map(len, lines)) <= 80
    if subcommand == "fit":
        assert any(re.fullmatch(r"Epoch 11/11 ━+ 10/10 [\d:]+ • [\d:]+ train/loss: \d+\.\d{3}", line) for line in lines)
        assert "val/void_masked_accuracy: 0.500" in {line.strip() for line in lines}
