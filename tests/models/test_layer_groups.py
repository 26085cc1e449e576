"""Layer groups cut a network as the course does, and freezing moves what it says and nothing else."""

import pytest
import torch
from torch import nn

from triptych.models import UNet
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.models.layer_groups import split_encoder
from triptych.optim import adamw

GROUPS = ["encoder_early", "encoder_late", "head"]


def small_unet() -> UNet:
    torch.manual_seed(0)
    return UNet(3, "resnet18", None)


def group_of(network: UNet) -> dict[str, str]:
    """Name of the group of each parameter."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    return {names[id(p)]: group for group, parameters in network.layer_groups().items() for p in parameters}


def moved(network: UNet, steps: int = 1) -> tuple[set[str], set[str]]:
    """Names of the parameters, and of the running statistics, that real training steps change."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimizer = adamw(network.layer_groups(), 1e-2, weight_decay=0.1)
    network.train()
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)).square().mean().backward()
        optimizer.step()
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    parameters = {name for name, _ in network.named_parameters()}
    return changed & parameters, {name for name in changed - parameters if "running" in name}


def is_norm(name: str) -> bool:
    """Whether a parameter of a ResNet's encoder is a batch-norm's."""
    return any(part.startswith(("bn", "downsample")) for part in name.split(".")) and "downsample.0" not in name


@pytest.mark.parametrize("encoder", ["resnet34", OFFLINE_ENCODER, "vgg11_bn", "mit_b0", "densenet121", "tu-resnet10t"])
def test_every_parameter_is_in_one_group_and_none_is_empty(encoder) -> None:
    network = UNet(3, encoder, None)
    groups = network.layer_groups()
    assert list(groups) == GROUPS
    ids = [id(parameter) for parameters in groups.values() for parameter in parameters]
    assert sorted(ids) == sorted(id(parameter) for parameter in network.parameters())
    assert all(groups.values())


def test_resnet_is_cut_before_layer3_as_in_fastai() -> None:
    blocks = {}
    for name, group in group_of(UNet(3, "resnet34", None)).items():
        blocks.setdefault(group, set()).add(name.split(".")[1] if name.startswith("encoder") else name.split(".")[0])
    assert blocks == {
        "encoder_early": {"conv1", "bn1", "layer1", "layer2"},
        "encoder_late": {"layer3", "layer4"},
        "head": {"decoder", "head"},
    }


def test_an_encoder_that_names_no_stages_is_cut_at_half_of_its_parameters() -> None:
    encoder = nn.Sequential(*[nn.Linear(10, 10, bias=False) for _ in range(5)])
    early, late = split_encoder(encoder).values()
    assert [[id(p) for p in half] for half in (early, late)] == [
        [id(layer.weight) for layer in encoder[:3]],
        [id(layer.weight) for layer in encoder[3:]],
    ]


@pytest.mark.parametrize(("first", "frozen"), [(0, []), (1, GROUPS[:1]), (2, GROUPS[:2]), (-1, GROUPS[:2]), (-3, [])])
def test_one_step_moves_thawed_groups_and_all_batch_norm(first, frozen) -> None:
    network = small_unet()
    network.freeze_to(first)
    parameters, statistics = moved(network)
    group = group_of(network)
    assert parameters == {name for name in group if group[name] not in frozen or is_norm(name)}
    assert statistics == {name for name in network.state_dict() if "running" in name}


@pytest.mark.parametrize(("first", "frozen"), [(0, []), (1, GROUPS[:1]), (2, GROUPS[:2]), (-1, GROUPS[:2])])
def test_without_train_bn_one_step_moves_nothing_of_the_frozen_groups(first, frozen) -> None:
    network = small_unet()
    network.freeze_to(first, train_bn=False)
    parameters, statistics = moved(network)
    group = group_of(network)
    assert parameters == {name for name in group if group[name] not in frozen}
    of_norm = {name: f"{name.rsplit('.', 1)[0]}.weight" for name in network.state_dict() if "running" in name}
    assert statistics == {name for name, weight in of_norm.items() if group[weight] not in frozen}


def test_frozen_batch_norm_stays_in_evaluation_through_train_and_comes_back_when_unfrozen() -> None:
    network = small_unet()
    network.freeze_to(-1, train_bn=False)
    for _ in range(2):
        network.eval()
        assert network.train() is network
        assert not network.encoder.bn1.training
        assert network.encoder.training
        assert network.decoder.training
    network.freeze_to(0, train_bn=False)
    assert network.encoder.bn1.training
    parameters, statistics = moved(network)
    assert parameters == {name for name, _ in network.named_parameters()}
    assert statistics == {name for name in network.state_dict() if "running" in name}


def test_unfreezing_a_network_in_evaluation_leaves_it_there() -> None:
    network = small_unet().eval()
    network.freeze_to(-1, train_bn=False)
    network.freeze_to(0)
    assert not any(module.training for module in network.modules())


def test_a_group_frozen_after_training_moves_no_more() -> None:
    network = small_unet()
    moved(network)
    network.freeze_to(1, train_bn=False)
    assert not any("layer1" in name for name in moved(network)[0])


@pytest.mark.parametrize("train_bn", [True, False])
@torch.no_grad()
def test_two_passes_in_evaluation_agree(train_bn) -> None:
    network = UNet(3, "mit_b0", None)  # has stochastic depth
    network.freeze_to(-1, train_bn)
    network.eval()
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    assert torch.equal(network(images), network(images))


@pytest.mark.parametrize("first", [3, -4, 10])
def test_a_group_that_does_not_exist_is_reported(first) -> None:
    with pytest.raises(ValueError, match="freeze_to") as caught:
        small_unet().freeze_to(first)
    assert str(caught.value) == (
        f"freeze_to: expected a number from -3 to 2 (encoder_early, encoder_late, head), got {first}."
    )
