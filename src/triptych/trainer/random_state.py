"""The process-wide random state: what is drawn or seeded between two moments leaves no trace."""

import contextlib
import os
import random
from collections.abc import Iterator

import numpy as np
import torch

_SEED_VARIABLES = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS")
"""Environment variables that Lightning's `seed_everything` sets."""


class RandomState:
    """The state of the generators of Python, NumPy and torch, on all devices, when it is created."""

    def __init__(self) -> None:
        self.python, self.numpy, self.torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []

    def restore(self) -> None:
        """Sets the generators back."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        torch.cuda.set_rng_state_all(self.cuda)


@contextlib.contextmanager
def seeds_restored() -> Iterator[None]:
    """Within it anything may be seeded; afterwards generators and `seed_everything`'s variables are as before."""
    state, variables = RandomState(), {name: os.environ.get(name) for name in _SEED_VARIABLES}
    try:
        yield
    finally:
        state.restore()
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
