"""The learning-rate finder: a range test that suggests a rate for a model in its current state."""

from triptych.lr_finder.curve import DEFAULT_RATE, LRSearch, read_curve
from triptych.lr_finder.max_lr import asks_to_find, with_found
from triptych.lr_finder.rules import DEFAULT_RULE, RULES, Rule
from triptych.lr_finder.sweep import find_lr, plain_rates

__all__ = [
    "DEFAULT_RATE",
    "DEFAULT_RULE",
    "RULES",
    "LRSearch",
    "Rule",
    "asks_to_find",
    "find_lr",
    "plain_rates",
    "read_curve",
    "with_found",
]
