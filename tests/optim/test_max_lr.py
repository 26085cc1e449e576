"""Each form of `max_lr` gives every layer group its rate, those of fastai 1 as fastai 1 computes them."""

import json
from typing import Any

import numpy as np
import pytest

from triptych.optim import group_rates
from triptych.optim.max_lr import change_rates, plain, rates_in

GROUPS = ["early", "late", "head"]


def names(count: int) -> list[str]:
    return [f"group {i}" for i in range(count)]


def even_mults(start: float, stop: float, n: int) -> list[float]:
    """Fastai 1.0, `core.py`."""
    if n == 1:
        return [stop]
    step = (stop / start) ** (1 / (n - 1))
    return [start * step**i for i in range(n)]


def lr_range(lr: slice, n: int) -> list[float]:
    """Fastai 1.0, `Learner.lr_range`, for `n` layer groups."""
    return even_mults(lr.start, lr.stop, n) if lr.start else [lr.stop / 10] * (n - 1) + [lr.stop]


SLICES = [slice(1e-3), slice(1e-5, 1e-3), slice(2e-2), slice(3e-3 / 400, 3e-3 / 4), slice(3e-3, 3e-3), slice(1, 1e-4)]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("lr", SLICES)
def test_a_slice_as_object_and_as_text_is_fastais(lr: slice, count: int) -> None:
    for form in (lr, plain(lr), f" slice({lr.stop!r})" if lr.start is None else f"slice( {lr.start!r} ,{lr.stop!r} )"):
        rates = group_rates(form, names(count))
        assert rates == pytest.approx(lr_range(lr, count), rel=1e-14)
        assert rates[-1] == lr.stop


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(("first", "last"), [(1e-6, 1e-4), (1e-5, 1e-3), (3e-3, 3e-3), (1e-2, 1e-4)])
def test_a_pair_is_a_slice_from_first_to_last(first: float, last: float, count: int) -> None:
    assert group_rates([first, last], names(count)) == pytest.approx(even_mults(first, last, count))
    assert group_rates((first, last), names(count))[-1] == last


def test_ends_are_the_pair_itself_to_the_last_bit() -> None:
    assert group_rates([1e-6, 7e-4], GROUPS)[::2] == [pytest.approx(1e-6, rel=1e-12), 7e-4]


def test_one_number_is_the_rate_of_all_groups() -> None:
    assert group_rates(1e-3, GROUPS) == [1e-3] * 3


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_as_many_numbers_as_groups_are_each_groups_own(count: int) -> None:
    rates = [1e-3, 5e-5, 2e-3, 1e-6, 1e-2][:count]
    assert group_rates(rates, names(count)) == pytest.approx(rates)


@pytest.mark.parametrize(
    "wrong",
    [
        *(0, -1e-3, [1e-3], [1e-5, 1e-4, 1e-3, 1e-2], [], [0, 1e-3], [1e-5, -1.0], float("inf"), [1, float("nan"), 1]),
        *("find", "1e-3", "slice()", "slice(0)", "slice(nan)", "slice(x)", "slice(1, 2, 3)", "slice(1e-3", "eval(1)"),
    ],
)
def test_other_rates_and_other_counts_are_refused_with_the_names_of_the_groups(wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_lr") as caught:
        group_rates(wrong, GROUPS)
    assert str(caught.value) == (
        "max_lr: expected a number above 0 or a pair [first_group, last_group] of them, slice(last), slice(first, "
        f"last), or a list for the 3 layer groups (early, late, head), got {wrong!r}."
    )


@pytest.mark.parametrize("wrong", [slice(None), slice(1e-3, None), slice(1, 2, 3)])
def test_a_slice_object_with_a_step_or_no_stop_is_refused(wrong: slice) -> None:
    with pytest.raises(ValueError, match="max_lr") as caught:
        plain(wrong)
    assert str(caught.value) == f"max_lr: expected slice(last) or slice(first, last), got {wrong}."


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        (1e-3, 1e-3),
        ([1e-5, 1e-3], [1e-5, 1e-3]),
        ((1e-5, 1e-3), [1e-5, 1e-3]),
        ("slice(1e-3)", "slice(1e-3)"),
        (slice(1e-3), "slice(0.001)"),
        (slice(1, 3e-3 / 7), "slice(1.0, 0.0004285714285714286)"),
        (slice(np.float64(1e-3)), "slice(0.001)"),
        (slice("find/10", "find"), "slice(find/10, find)"),
    ],
)
def test_what_is_kept_is_plain_and_gives_the_same_rates(form: Any, kept: Any) -> None:
    assert plain(form) == kept
    assert json.loads(json.dumps(plain(form))) == kept
    assert rates_in(kept) == rates_in(form)


def test_rates_change_within_their_form() -> None:
    double = {"find": "found", 2.0: 4.0}.__getitem__
    forms = [2.0, [2.0, "find"], slice(2.0), "slice(2)", "slice(find, 2e0)", "find"]
    assert [change_rates(form, double) for form in forms] == [
        *(4.0, [4.0, "found"], "slice(4.0)", "slice(4.0)", "slice(found, 4.0)", "found"),
    ]
