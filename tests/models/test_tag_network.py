"""The tag network takes plain pixels of any size, with any encoder."""

import pytest
import torch

from triptych.models import TagNetwork
from triptych.models.encoder import OFFLINE_ENCODER


@pytest.mark.parametrize("encoder", ["resnet34", "resnet50", OFFLINE_ENCODER])
@torch.no_grad()
def test_encoders_of_lesson_and_configs_give_a_score_for_each_tag_at_any_size(encoder: str) -> None:
    network = TagNetwork(17, encoder, None).eval()
    for size in [(64, 64), (65, 33), (1, 1)]:
        assert network(torch.randint(256, (2, 3, *size), dtype=torch.uint8)).shape == (2, 17)


@torch.no_grad()
def test_extra_channels_at_zero_change_nothing() -> None:
    torch.manual_seed(0)
    three = TagNetwork(5, OFFLINE_ENCODER, "imagenet").eval()
    four = TagNetwork(5, OFFLINE_ENCODER, "imagenet", in_channels=4).eval()
    four.head.load_state_dict(three.head.state_dict())
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    fourth = four.mean[:, 3:].expand(2, 1, 64, 64)  # zero once it is normalised
    torch.testing.assert_close(four(torch.cat([images.float(), fourth], dim=1)), three(images))


def test_layer_groups_hold_every_parameter_once() -> None:
    network = TagNetwork(5, "resnet18", None)
    groups = network.layer_groups()
    assert list(groups) == ["encoder_early", "encoder_late", "head"]
    assert {id(p) for p in groups["head"]} == {id(p) for p in network.head.parameters()}
    assert sum(len(group) for group in groups.values()) == len(list(network.parameters()))
