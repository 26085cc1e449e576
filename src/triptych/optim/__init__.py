"""Layer groups with their own rates, and one-cycle."""

from triptych.optim.one_cycle import OneCycle
from triptych.optim.param_groups import adamw, group_rates

__all__ = ["OneCycle", "adamw", "group_rates"]
