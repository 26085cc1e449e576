"""Discriminative learning rates: one optimizer group for each layer group, all from the start."""

from collections.abc import Mapping, Sequence

from torch import nn
from torch.optim import AdamW

from triptych.optim.one_cycle import MOMENTUMS


def group_rates(max_lr: float | Sequence[float], groups: int) -> list[float]:
    """Peak rate of each group, first to last.

    Args:
        max_lr: One rate for all, or [first, last], between which the rates rise by a constant factor: the course's
            `slice(first, last)`.
        groups: Number of groups, at least 1.

    Raises:
        ValueError: `max_lr` is not one or two numbers above zero.

    Source: fastai 1.0, `even_mults`.
    """
    rates = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr, max_lr]
    if len(rates) != 2 or any(isinstance(rate, str) or rate <= 0 for rate in rates):
        raise ValueError(
            f"max_lr: expected a number above 0 or a pair [first_group, last_group] of them, got {max_lr!r}."
        )
    first, last = rates
    return [last * (first / last) ** ((groups - 1 - i) / max(groups - 1, 1)) for i in range(groups)]


def adamw(
    groups: Mapping[str, Sequence[nn.Parameter]],
    max_lr: float | Sequence[float],
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
        for (name, parameters), rate in zip(groups.items(), group_rates(max_lr, len(groups)), strict=True)
    ]
    return AdamW(named, betas=(MOMENTUMS[0], 0.99), weight_decay=weight_decay, fused=fused or None)
