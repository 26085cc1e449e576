"""Printing and sharing values in a run with several processes."""

from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

say = rank_zero_only(Console().print)
"""Prints, in the first process only."""


def shared(value: Any) -> Any:
    """Broadcasts the value of the first process to all processes."""
    if not are_several():
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values)
    return values[0]


def gathered(value: Any) -> list[Any]:
    """The values of all processes, in their order."""
    if not are_several():
        return [value]
    values = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(values, value)
    return values


def are_several() -> bool:
    """Whether this run has several processes, which have found each other."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
