"""One-cycle: the rate rises, then falls to nearly nothing, and momentum goes the other way.

Sources: Smith, "Super-convergence", 2018; fastai's `fit_one_cycle` and its defaults.
"""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

DIV, DIV_FINAL = 25.0, 1e5
"""The rate starts at its peak over `DIV` and ends at its peak over `DIV_FINAL`."""
MOMENTUMS = (0.95, 0.85, 0.95)
"""Momentum at the start, at the peak of the rate, and at the end."""


def one_cycle(optimizer: Optimizer, total_steps: int, pct_start: float = 0.25) -> OneCycleLR:
    """The cycle of each group up to its own rate, stepped once a batch.

    Args:
        optimizer: Its groups hold their peak rates as `lr`.
        total_steps: Optimizer steps of the whole fit.
        pct_start: Share of the steps in which the rate rises, in (0, 1).
    """
    if pct_start * total_steps == 1:  # the peak would be the first step, where OneCycleLR divides by zero
        pct_start *= 1 + 1e-6
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total_steps,
        pct_start=pct_start,
        div_factor=DIV,
        final_div_factor=DIV_FINAL / DIV,
        max_momentum=MOMENTUMS[0],
        base_momentum=MOMENTUMS[1],
    )
