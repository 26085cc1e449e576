"""The largest batch is what trials with real memory admit, and nothing is left of them."""

import contextlib
import copy
import math
import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from triptych.errors import MemoryLimitError
from triptych.trainer import largest_batch as module
from triptych.trainer.largest_batch import halves, largest_batch

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
]

ON_CPU = {"accelerator": "cpu", "devices": 1, "accumulate_grad_batches": 3}
SAMPLES, MB = 100, 10**6


@pytest.mark.parametrize("batch_size", [*range(1, 40), 64, 97, 360])
def test_halves_are_the_largest_divisors_of_at_most_half_the_one_before(batch_size: int) -> None:
    sizes = halves(batch_size)
    assert sizes[0] == batch_size and sizes[-1] == 1
    divisors = [size for size in range(1, batch_size + 1) if batch_size % size == 0]
    for before, size in pairwise(sizes):
        assert size == max(one for one in divisors if 2 * one <= before)


class Data(L.LightningDataModule):
    """A hundred samples of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.batch_size: Any = "auto"

    def train_dataloader(self) -> DataLoader[Tensor]:
        return DataLoader(torch.ones(SAMPLES, 1), self.batch_size)

    val_dataloader = train_dataloader


class Wide(L.LightningModule):
    """Each sample takes 20 MB in the forward pass and several times that with the backward pass.

    Args:
        most: Samples per batch beyond which memory is said to run out.
        least: Samples per batch below which torch's batch-norm fails.
        in_validation: Whether it runs out in validation.
    """

    def __init__(self, most: float = math.inf, least: int = 1, in_validation: bool = False, width: int = 1) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1) if least > 1 else nn.Identity()
        self.most, self.in_validation, self.width = most, in_validation, width
        self.tried: list[int] = []

    def loss(self, batch: Tensor) -> Tensor:
        wide = self.norm(self.layer(batch)).expand(-1, self.width) * 2.0
        return wide.square().mean()

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.tried.append(len(batch))
        self.check(batch, in_validation=False)
        return self.loss(batch)

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.check(batch, in_validation=True)

    def check(self, batch: Tensor, in_validation: bool) -> None:
        if len(batch) > self.most and in_validation == self.in_validation:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=0.1)


def free(monkeypatch: pytest.MonkeyPatch, memory: float) -> None:
    monkeypatch.setattr(module, "free_memory", lambda device: memory)


def test_what_does_not_fit_into_free_memory_is_not_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free(monkeypatch, 1000 * MB)
    model, data = Wide(width=5_000_000), Data()
    size = largest_batch(ON_CPU, model, data, 64)
    said = re.fullmatch(
        r"batch_size auto: (\d+) at once, accumulated (\d+) times to 64 \((\d\.\d) of 1\.0 GB\s+free\)\n",
        capsys.readouterr().out,
    )
    assert said is not None and (int(said[1]), int(said[2])) == (size, 64 // size)
    needed, largest = float(said[3]), max(model.tried)
    assert 1 < size < 64 and 0.04 * size <= needed + 0.05 and needed <= 0.8  # 800 MB may be used
    assert (largest == size and needed >= 0.4) or largest == 2 * size


@pytest.mark.parametrize("in_validation", [False, True])
@pytest.mark.parametrize("most", [1, 2, 5, 8])
def test_memory_that_runs_out_decides_and_nothing_is_left_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], most: int, in_validation: bool
) -> None:
    free(monkeypatch, math.inf)
    model, data = Wide(most, in_validation=in_validation), Data()
    before, draws = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    size = {1: 1, 2: 2, 5: 4, 8: 8}[most]
    assert largest_batch(ON_CPU, model, data, 8) == size
    accumulated = f", accumulated {8 // size} times to 8" if size < 8 else ""
    assert capsys.readouterr().out == f"batch_size auto: {size} at once{accumulated}\n"
    torch.testing.assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), draws)
    assert data.batch_size == "auto"
    ran = {count: model.tried.count(count) for count in sorted({*model.tried})}
    assert all(count <= 2 for count in ran.values()) and max(ran) == min(8, 2 * size)


def test_too_small_a_batch_for_batch_norm_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, math.inf)
    assert largest_batch(ON_CPU, Wide(most=4, least=2), Data(), 8) == 4


@pytest.mark.parametrize("memory", [0.0, math.inf])
def test_no_memory_for_a_single_sample_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, memory: float) -> None:
    free(monkeypatch, memory)
    data = Data()
    words = r"^batch_size: expected free memory for a small batch, got none; take smaller images, .* of 16 bits\.$"
    with pytest.raises(MemoryLimitError, match=words):
        largest_batch(ON_CPU, Wide(most=0), data, 8)
    assert data.batch_size == "auto"


def test_other_errors_are_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, math.inf)
    model = Wide()
    monkeypatch.setattr(model, "loss", lambda batch: model.layer(batch.repeat(1, 2)).sum())
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        largest_batch(ON_CPU, model, Data(), 8)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
def test_an_allocation_that_the_system_refuses_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    free(monkeypatch, math.inf)
    with no_more_than(resource, 1500 * MB):
        assert 1 < largest_batch(ON_CPU, Wide(width=5_000_000), Data(), 64) < 64


@contextlib.contextmanager
def no_more_than(resource: Any, more: int) -> Any:
    """The address space of this process may grow by so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
