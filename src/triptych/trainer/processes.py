"""Printing and sharing values in a run with several processes."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

say = rank_zero_only(Console().print)
"""Prints, in the first process only."""


def shared(value: Any) -> Any:
    """Broadcasts the value of the first process to all processes."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values)
    return values[0]


def highest(trainer: L.Trainer, number: int) -> int:
    """The highest of the numbers of all processes, each of which must call this."""
    if trainer.world_size == 1:
        return number
    together = torch.tensor(number, device=trainer.strategy.root_device)
    torch.distributed.all_reduce(together, torch.distributed.ReduceOp.MAX)
    return int(together)
