"""Layer groups with their own rates, and one-cycle."""

from triptych.optim.one_cycle import one_cycle
from triptych.optim.param_groups import adamw, spread

__all__ = ["adamw", "one_cycle", "spread"]
