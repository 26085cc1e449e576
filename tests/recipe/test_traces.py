"""A recipe leaves the process as it was: random generators, the seed in the environment, and warnings."""

import os
import random
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from small_fit import TINY, Case, data_of

from triptych import Stage, UNetSegmenter, run_recipe

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*in eval mode at the start:UserWarning"),
]
SETTINGS = {"accelerator": "cpu", "enable_progress_bar": False, "log_every_n_steps": 1}


class FailsError(Exception):
    """Raised in the middle of a stage."""


class Fails(L.Callback):
    def on_train_batch_end(self, *_: Any) -> None:
        raise FailsError


def process() -> list[Any]:
    state = np.random.get_state()
    generators = [random.getstate(), state[1].tolist(), state[2], torch.get_rng_state().tolist()]
    return [*generators, os.environ.get("PL_GLOBAL_SEED"), list(warnings.filters)]


@pytest.mark.parametrize(("seed_before", "end"), [("7", "whole"), (None, "failed"), ("7", "failed"), (None, "dry")])
def test_generators_seed_and_warnings_are_as_before(
    seed_before: str | None, end: str, drawn_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    if seed_before is not None:
        monkeypatch.setenv("PL_GLOBAL_SEED", seed_before)
    model, data = UNetSegmenter(**TINY), data_of(Case("camvid"), drawn_streets)
    settings = {**SETTINGS, "callbacks": [Fails()] if end == "failed" else []}
    stages = [Stage("a", epochs=1, max_lr=1e-3)]
    before = process()
    if end == "failed":
        with pytest.raises(FailsError):
            run_recipe(model, data, stages, settings, tmp_path / "run")
    else:
        run_recipe(model, data, stages, settings, tmp_path / "run", dry_run=end == "dry")
    assert process() == before
