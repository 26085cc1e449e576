"""What the processes of a run do together, and what only the first one does."""

from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

say = rank_zero_only(Console().print)
"""Prints in the first process."""


def shared(value: Any) -> Any:
    """The value of the first process, in all of them; they wait for it."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    values = [value]
    torch.distributed.broadcast_object_list(values)
    return values[0]
