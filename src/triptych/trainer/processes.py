"""Printing and sharing values in a run with several processes."""

from typing import Any

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
