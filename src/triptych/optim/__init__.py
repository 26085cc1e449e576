"""The optimizer with a learning rate for each layer group, and the one-cycle schedule."""

from triptych.optim.max_lr import group_rates
from triptych.optim.one_cycle import OneCycle
from triptych.optim.param_groups import adamw

__all__ = ["OneCycle", "adamw", "group_rates"]
