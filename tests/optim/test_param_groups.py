"""Discriminative rates are fastai's, and every layer group is in the optimizer from the start."""

import pytest
import torch
from torch import nn

from triptych.optim import adamw, group_rates


def even_mults(start: float, stop: float, n: int) -> list[float]:
    """Fastai 1.0, `core.py`."""
    if n == 1:
        return [stop]
    step = (stop / start) ** (1 / (n - 1))
    return [start * step**i for i in range(n)]


@pytest.mark.parametrize("groups", [1, 2, 3, 5])
@pytest.mark.parametrize(("first", "last"), [(1e-6, 1e-4), (1e-5, 1e-3), (3e-3, 3e-3), (1e-2, 1e-4)])
def test_a_pair_is_spread_as_even_mults_spreads_a_slice(first, last, groups) -> None:
    assert group_rates([first, last], groups) == pytest.approx(even_mults(first, last, groups))
    assert group_rates((first, last), groups)[-1] == last


def test_ends_are_the_pair_itself_to_the_last_bit() -> None:
    assert group_rates([1e-6, 7e-4], 3)[::2] == [pytest.approx(1e-6, rel=1e-12), 7e-4]


def test_one_number_is_the_rate_of_all_groups() -> None:
    assert group_rates(1e-3, 3) == [1e-3] * 3


@pytest.mark.parametrize("wrong", [0, -1e-3, [1e-3], [1e-5, 1e-4, 1e-3], [], [0, 1e-3], [1e-5, -1.0]])
def test_anything_but_one_or_two_rates_above_zero_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="max_lr") as caught:
        group_rates(wrong, 3)
    assert str(caught.value) == (
        f"max_lr: expected a number above 0 or a pair [first_group, last_group] of them, got {wrong!r}."
    )


def test_adamw_has_a_named_group_for_each_layer_group_frozen_ones_too() -> None:
    early, late, head = nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 1)
    early.requires_grad_(False)
    groups = {"early": list(early.parameters()), "late": list(late.parameters()), "head": list(head.parameters())}
    optimizer = adamw(groups, [1e-5, 1e-3], weight_decay=0.02)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert [group["name"] for group in optimizer.param_groups] == ["early", "late", "head"]
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-5, 1e-4, 1e-3])
    for group, parameters in zip(optimizer.param_groups, groups.values(), strict=True):
        assert group["betas"] == (0.95, 0.99)
        assert group["weight_decay"] == 0.02
        assert all(one is other for one, other in zip(group["params"], parameters, strict=True))
