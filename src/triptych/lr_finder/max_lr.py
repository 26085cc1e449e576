"""`"find"` in place of a learning rate."""

import contextlib
import math
import re
from typing import Any

_FIND = re.compile(r"find(?:/(.+))?")


def asks_to_find(max_lr: Any) -> bool:
    """Whether `max_lr` is, or contains, a string such as "find" or "find/N" instead of a number."""
    return any(isinstance(part, str) for part in parts_of(max_lr))


def with_found(max_lr: Any, rate: float) -> Any:
    """`max_lr` with `rate` in place of "find", and `rate` / N in place of "find/N".

    Args:
        max_lr: A number, a string, or a pair of them; numbers stay as they are.
        rate: The rate that a range test suggests.

    Raises:
        ValueError: There is another string.
    """
    parts = [_number(part, max_lr, rate) if isinstance(part, str) else part for part in parts_of(max_lr)]
    return parts if isinstance(max_lr, (list, tuple)) else parts[0]


def parts_of(max_lr: Any) -> list[Any]:
    """The two rates of a pair, or the single rate, as a list."""
    return list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr]


def _number(text: str, max_lr: Any, rate: float) -> float:
    match = _FIND.fullmatch(text)
    with contextlib.suppress(ValueError):
        divisor = float(match[1] or 1) if match else 0.0
        if 0 < divisor < math.inf:
            return rate / divisor
    raise ValueError(f'max_lr: expected a number, "find", "find/N" with a number N above 0, or a pair, got {max_lr!r}.')
