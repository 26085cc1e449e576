"""What is seeded within `seeds_restored` leaves no trace."""

import os
import random
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from triptych.trainer.random_state import seeds_restored


def trace() -> tuple[Any, ...]:
    """The seed in the environment, and what each generator draws next."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    drawn = random.random(), float(np.random.rand()), float(torch.rand(()))
    random.setstate(before[0])
    np.random.set_state(before[1])
    torch.set_rng_state(before[2])
    return *drawn, os.environ.get("PL_GLOBAL_SEED"), os.environ.get("PL_SEED_WORKERS")


@pytest.mark.parametrize("seed_before", [None, "7"])
@pytest.mark.parametrize("fails", [False, True])
def test_generators_and_variables_are_as_before(seed_before, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PL_SEED_WORKERS", raising=False)
    if seed_before is None:
        monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    else:
        monkeypatch.setenv("PL_GLOBAL_SEED", seed_before)
    before = trace()

    @seeds_restored()
    def seeds() -> None:
        L.seed_everything(3, workers=True, verbose=False)
        assert trace() != before
        if fails:
            raise KeyError("within")

    if fails:
        with pytest.raises(KeyError, match="within"):
            seeds()
    else:
        seeds()
    assert trace() == before
