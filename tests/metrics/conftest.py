"""Random predictions and targets in batches of uneven size, with void among them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Batches = list[tuple[Tensor, Tensor]]


@pytest.fixture
def random_batches() -> Callable[..., Batches]:
    """Makes scores (N, C, H, W) and targets (N, H, W); about a third of the scores point to the target."""

    def make(seed: int, num_classes: int, void: int | None, count: int = 4) -> Batches:
        generator = torch.Generator().manual_seed(seed)
        batches = []
        for number in range(count):
            n, height, width = torch.randint(1, 9, (3,), generator=generator).tolist()
            scores = torch.randn(n, num_classes, height, width, generator=generator)
            target = torch.randint(num_classes, (n, height, width), generator=generator)
            scores.scatter_add_(1, target[:, None], 1.5 * torch.rand(n, 1, height, width, generator=generator))
            if void is not None:
                target[torch.rand(target.shape, generator=generator) < 0.2 + 0.2 * number] = void
            batches.append((scores, target))
        return batches

    return make
