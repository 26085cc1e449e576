"""Every layer group is in the optimizer from the start, by its name and with its rate."""

import pytest
import torch
from torch import nn

from triptych.optim import adamw


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
