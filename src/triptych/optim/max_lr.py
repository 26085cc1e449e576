"""The forms of `max_lr`, and the peak rate of each layer group that they stand for.

A form holds one or more rates. Each is a number, or a word in place of one, such as the learning-rate finder's "find".
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

_SLICE = re.compile(r"slice\(\s*([^\s,()]+)\s*(?:,\s*([^\s,()]+)\s*)?\)")
_FRACTION = 10
"""In `slice(last)` the rate of all groups but the last is `last` / _FRACTION."""


def group_rates(max_lr: Any, groups: Sequence[str]) -> list[float]:
    """Peak rate of each group, first to last.

    Args:
        max_lr: One rate for all; `slice(last)`, which is last / 10 for all groups but the last; `slice(first, last)` or
            [first, last], between which the rates rise by a constant factor; or a list with the rate of each group. A
            slice is Python's object or a text.
        groups: Names of the groups, at least one.

    Raises:
        ValueError: `max_lr` has another form, or a rate that is not a finite number above zero.

    Source: fastai 1.0, `Learner.lr_range` and `even_mults`.
    """
    form = plain(max_lr)
    rates, others = rates_in(form), len(groups) - 1
    if all(not isinstance(rate, str) and 0 < rate < math.inf for rate in rates):
        if isinstance(form, list) and len(rates) == len(groups):
            return rates
        if len(rates) == 2:
            first, last = rates
            return [last * (first / last) ** ((others - i) / max(others, 1)) for i in range(len(groups))]
        if not isinstance(form, list):
            return [rates[0] / _FRACTION if _is_slice(form) else rates[0]] * others + rates
    raise ValueError(
        "max_lr: expected a number above 0 or a pair [first_group, last_group] of them, slice(last), slice(first, "
        f"last), or a list for the {len(groups)} layer groups ({', '.join(groups)}), got {max_lr!r}."
    )


def rates_in(max_lr: Any) -> list[Any]:
    """The rates that `max_lr` holds, numbers and words."""
    form = plain(max_lr)
    if isinstance(form, list):
        return list(form)
    found = _is_slice(form)
    return [_number(rate) for rate in found.groups() if rate] if found else [form]


def change_rates(max_lr: Any, change: Callable[[Any], Any]) -> Any:
    """`max_lr` in the same form, as `plain` gives it, with `change` applied to each rate that it holds."""
    form, changed = plain(max_lr), [change(rate) for rate in rates_in(max_lr)]
    if isinstance(form, list):
        return changed
    return f"slice({', '.join(map(str, changed))})" if _is_slice(form) else changed[0]


def plain(max_lr: Any) -> Any:
    """`max_lr` as a checkpoint and JSON keep it: a slice object becomes a text, a tuple a list.

    Raises:
        ValueError: A slice object has a step or no stop.
    """
    if isinstance(max_lr, tuple):
        return list(max_lr)
    if not isinstance(max_lr, slice):
        return max_lr
    if max_lr.stop is None or max_lr.step is not None:
        raise ValueError(f"max_lr: expected slice(last) or slice(first, last), got {max_lr}.")
    rates = [max_lr.stop] if max_lr.start is None else [max_lr.start, max_lr.stop]
    return f"slice({', '.join(rate if isinstance(rate, str) else str(float(rate)) for rate in rates)})"


def _is_slice(max_lr: Any) -> re.Match[str] | None:
    return _SLICE.fullmatch(max_lr.strip()) if isinstance(max_lr, str) else None


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word
