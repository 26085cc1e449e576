"""Discriminative learning rates: one optimizer group for each layer group, all from the start."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import AdamW

from triptych.optim.max_lr import group_rates
from triptych.optim.one_cycle import MOMENTUMS


def adamw(
    groups: Mapping[str, Sequence[nn.Parameter]],
    max_lr: Any,
    weight_decay: float,
    fused: bool = False,
) -> AdamW:
    """AdamW with a named group for each layer group, frozen or not.

    Args:
        groups: Parameters by name, early layers first.
        max_lr: See `group_rates`.
        weight_decay: Decoupled weight decay, the course's `wd`.
        fused: Whether to use torch's fused kernel; False leaves the choice to torch.
    """
    named = [
        {"name": name, "params": list(parameters), "lr": rate}
        for (name, parameters), rate in zip(groups.items(), group_rates(max_lr, list(groups)), strict=True)
    ]
    return AdamW(named, betas=(MOMENTUMS[0], 0.99), weight_decay=weight_decay, fused=fused or None)
