"""A module and data of one's own, which know nothing of pictures."""

from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from triptych.tasks.training import OneCycleTraining


class Mixed(OneCycleTraining):
    """Two groups with batch-norm and dropout."""

    def __init__(self, **training: Any) -> None:
        super().__init__(**training)
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(8, 1)

    def layer_groups(self) -> dict[str, list[nn.Parameter]]:
        return {"body": [*self.body.parameters()], "head": [*self.head.parameters()]}

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        rows, target = batch
        return nn.functional.mse_loss(self.head(self.body(rows)).squeeze(1), target)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        loss = self.training_step(batch, batch_idx)
        self.log_dict({"val/loss": loss, "val_twice": 2 * loss})


class Table(L.LightningDataModule):
    """Rows in batches of eight, in their order."""

    def __init__(self) -> None:
        super().__init__()
        rows = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
        self.samples = TensorDataset(rows, rows[:, 0])

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(self.samples, batch_size=8)

    val_dataloader = train_dataloader


class Plain(L.LightningModule):
    """A module with an optimizer of its own, no subclass of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return nn.functional.mse_loss(self.layer(batch[0]).squeeze(1), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        pass
