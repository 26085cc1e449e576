"""The range test: which learning rate to train a model with, as it stands."""

from triptych.lr_finder.curve import DEFAULT_RATE, LRSearch, read_curve
from triptych.lr_finder.max_lr import asks_to_find, with_found
from triptych.lr_finder.rules import DEFAULT_RULE, RULES, Rule
from triptych.lr_finder.sweep import find_lr

__all__ = [
    "DEFAULT_RATE",
    "DEFAULT_RULE",
    "RULES",
    "LRSearch",
    "Rule",
    "asks_to_find",
    "find_lr",
    "read_curve",
    "with_found",
]
