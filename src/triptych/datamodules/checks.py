"""Numbers among the arguments, checked, as plain ones."""

import operator
from typing import Any

from triptych.runs.plain_values import plain


def checked_size(name: str, value: Any) -> tuple[int, int]:
    """`value` as a pair of whole numbers above zero, (height, width).

    Raises:
        ValueError: `value` is not such a pair.
    """
    pair = plain(value)
    if not isinstance(pair, list) or len(pair) != 2 or any(not isinstance(side, int) or side < 1 for side in pair):
        raise ValueError(f"{name}: expected (height, width), two whole numbers above 0, got {value!r}.")
    return pair[0], pair[1]


def checked_at_least(least: int, name: str, value: int) -> int:
    """`value`, which must be at least `least`, as a plain int.

    Raises:
        ValueError: `value` is less, or no whole number.
    """
    whole = operator.index(value) if hasattr(value, "__index__") else None
    if whole is None or whole < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}.")
    return whole
