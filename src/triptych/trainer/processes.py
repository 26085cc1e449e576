"""Counting the processes of a run, and printing and sharing values among them."""

import os
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from triptych.trainer.messages import no_info

say = rank_zero_only(Console().print)
"""Prints, in the first process only."""


def shared(value: Any) -> Any:
    """Broadcasts the value of the first process to all processes."""
    if not are_several():
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


def is_first_process() -> bool:
    """Whether this is the first process of its launch; known before the processes are connected."""
    return not getattr(rank_zero_only, "rank", 0) and not int(os.environ.get("NODE_RANK", 0))


def number_of_devices(devices: Any) -> int | None:
    """Number of devices that a Trainer's argument names; None if it stands for all that there are."""
    if isinstance(devices, str) and devices not in ("auto", "-1"):
        return len([one for one in devices.split(",") if one.strip()]) if "," in devices else int(devices)
    if isinstance(devices, (list, tuple)):
        return len(devices)
    return devices if isinstance(devices, int) and devices > 0 else None


def number_used(devices: Any, accelerator: Any) -> int:
    """Number of devices that a Trainer with these arguments uses on this machine."""
    with no_info():
        named = number_of_devices(devices)
        return named or L.Trainer(accelerator=accelerator, devices=devices, logger=False, barebones=True).num_devices


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
