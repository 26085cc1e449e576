"""The word "find" in place of a learning rate."""

import contextlib
import math
import re
from typing import Any

_FIND = re.compile(r"find(?:/(.+))?")


def asks_to_find(max_lr: Any) -> bool:
    """Whether a `max_lr` is a word such as "find" or "find/N", or a pair with one, and no number yet."""
    return any(isinstance(part, str) for part in parts_of(max_lr))


def with_found(max_lr: Any, rate: float) -> Any:
    """`max_lr` with the rate found in place of "find", and its N-th part in place of "find/N".

    Args:
        max_lr: A number, a word, or a pair of them; numbers stay as they are.
        rate: The rate found.

    Raises:
        ValueError: There is another word.
    """
    parts = [_number(part, max_lr, rate) if isinstance(part, str) else part for part in parts_of(max_lr)]
    return parts if isinstance(max_lr, (list, tuple)) else parts[0]


def parts_of(max_lr: Any) -> list[Any]:
    """The parts of a pair, or the one rate there is."""
    return list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr]


def _number(word: str, max_lr: Any, rate: float) -> float:
    match = _FIND.fullmatch(word)
    with contextlib.suppress(ValueError):
        divisor = float(match[1] or 1) if match else 0.0
        if 0 < divisor < math.inf:
            return rate / divisor
    raise ValueError(f'max_lr: expected a number, "find", "find/N" with a number N above 0, or a pair, got {max_lr!r}.')
