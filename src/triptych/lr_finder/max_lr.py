"""`"find"` in place of a learning rate."""

import contextlib
import math
import re
from typing import Any

from triptych.optim.max_lr import change_rates, rates_in

_FIND = re.compile(r"find(?:/(.+))?")


def asks_to_find(max_lr: Any) -> bool:
    """Whether `max_lr` is, or contains, a word such as "find" or "find/N" instead of a number."""
    return any(isinstance(rate, str) for rate in rates_in(max_lr))


def with_found(max_lr: Any, rate: float) -> Any:
    """`max_lr` with `rate` in place of "find", and `rate` / N in place of "find/N".

    Args:
        max_lr: A form of `triptych.optim.group_rates`, with numbers and words; numbers stay as they are.
        rate: The rate that a range test suggests.

    Raises:
        ValueError: There is another word.
    """
    return change_rates(max_lr, lambda one: _number(one, max_lr, rate) if isinstance(one, str) else one)


def _number(text: str, max_lr: Any, rate: float) -> float:
    match = _FIND.fullmatch(text)
    with contextlib.suppress(ValueError):
        divisor = float(match[1] or 1) if match else 0.0
        if 0 < divisor < math.inf:
            return rate / divisor
    raise ValueError(
        'max_lr: expected a number, "find", "find/N" with a number N above 0, or a list or slice of them, '
        f"got {max_lr!r}."
    )
