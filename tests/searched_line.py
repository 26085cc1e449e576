"""A small model whose learning rate is searched."""

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych.optim.one_cycle import OneCycle

ON_CPU = {"accelerator": "cpu", "devices": 1}


class Line(L.LightningModule):
    """Two groups whose rates stand ten to one, under one-cycle, torch's own or none."""

    def __init__(
        self, schedule: str | None = "one-cycle", max_lr: Any = None, breaks_at: int = -1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.first, self.last, self.dropout = nn.Linear(4, 8), nn.Linear(8, 1), nn.Dropout(dropout)
        self.rates: list[list[float]] = []
        self.momentums: list[float] = []
        self.seen: list[float] = []

    def train_dataloader(self) -> DataLoader[Tensor]:
        x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
        return DataLoader(x, batch_size=8)

    val_dataloader = train_dataloader

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        raise AssertionError("no validation in a search")

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        assert self.hparams["schedule"] is None or self.lr_schedulers() is not None
        loss = (self.last(self.dropout(self.first(batch).relu())) - batch.sum(1, keepdim=True)).square().mean()
        if len(self.seen) == self.hparams["breaks_at"]:
            loss = loss * math.nan
        self.seen.append(loss.item())
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.rates.append([group["lr"] for group in optimizer.param_groups])
        self.momentums.append(optimizer.param_groups[0]["betas"][0])

    def configure_optimizers(self) -> Any:
        groups = [{"params": self.first.parameters(), "lr": 1e-3}, {"params": self.last.parameters(), "lr": 1e-2}]
        optimizer = torch.optim.AdamW(groups, betas=(0.95, 0.99))
        total = int(self.trainer.estimated_stepping_batches)
        if self.hparams["schedule"] == "one-cycle":
            schedule: Any = OneCycle(optimizer, total)
        elif self.hparams["schedule"] == "torch":
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [1e-3, 1e-2], total, base_momentum=0.85)
        elif self.hparams["schedule"] == "exponential":
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        else:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
