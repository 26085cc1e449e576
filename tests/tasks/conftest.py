"""A trainer that writes nothing, and data whose every pixel a test knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning import Trainer
from torch import Tensor
from torch.utils.data import DataLoader

VOID = 2
QUIET = (
    "ignore:.*does not have many workers:UserWarning",  # the samples are tiny, so one process reads them
    "ignore:.*LeafSpec.* is deprecated:FutureWarning",  # Lightning 2.6 calls what torch 2.14 renamed
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*QUIET))


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Makes trainers on the CPU without logger, bars and checkpoints."""

    def make(**arguments: Any) -> Trainer:
        return Trainer(
            **{
                **{"accelerator": "cpu", "devices": 1, "max_epochs": 1, "default_root_dir": tmp_path},
                **{"logger": False, "enable_checkpointing": False, "enable_model_summary": False},
                **{"enable_progress_bar": False, "num_sanity_val_steps": 0, "log_every_n_steps": 1},
                **arguments,
            }
        )

    return make


class NoiseData(L.LightningDataModule):
    """Batches of 1 to 3 noisy images with much, little and nothing but void, four classes in all."""

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        super().__init__()
        names = ["road", "car", "void", "sky"]
        self.metadata = {"num_classes": 4, "ignore_index": VOID, "class_names": names} if metadata is None else metadata
        generator = torch.Generator().manual_seed(0)
        self.batches = [self._batch(size, void, generator) for size, void in [(3, 0.1), (1, 0.8), (2, 1.1), (2, 0.4)]]

    def _batch(self, size: int, void: float, generator: torch.Generator) -> dict[str, Any]:
        mask = torch.randint(4, (size, 32, 48), generator=generator)
        mask[torch.rand(mask.shape, generator=generator) < void] = VOID
        image = torch.randint(256, (size, 3, 32, 48), dtype=torch.uint8, generator=generator)
        return {"image": image, "mask": mask, "size": torch.tensor([[32, 48]] * size)}

    def _loader(self) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(self.batches, batch_size=None)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = _loader


@pytest.fixture
def noise() -> NoiseData:
    return NoiseData()


@pytest.fixture
def noise_of() -> Callable[[dict[str, Any]], NoiseData]:
    """The same with other metadata."""
    return NoiseData
