"""One image of 32x32 trains: where a channel has one value, batch-norm takes the running statistics."""

import copy

import pytest
import torch
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from triptych.models import PointNetwork, TagNetwork, UNet
from triptych.models.batch_norm import accept_one_value
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.models.network import TransferNetwork


def images(count: int) -> Tensor:
    return torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))


def seen_sizes(network: nn.Module, batch: Tensor) -> dict[str, int]:
    """Number of values per channel that each batch-norm gets."""
    sizes: dict[str, int] = {}
    for name, norm in network.named_modules():
        if isinstance(norm, _BatchNorm):
            norm.register_forward_pre_hook(lambda _, x, name=name: sizes.update({name: x[0][:, 0].numel()}))
    network(batch)
    return sizes


@pytest.mark.parametrize("encoder", ["resnet18", OFFLINE_ENCODER, "tu-resnest14d"])
@pytest.mark.parametrize("kind", [UNet, PointNetwork, TagNetwork])
def test_one_small_image_trains_and_single_values_leave_the_statistics(
    kind: type[TransferNetwork], encoder: str
) -> None:
    torch.manual_seed(0)
    network = kind(3, encoder, None)
    sizes = seen_sizes(copy.deepcopy(network), images(1))
    before = {name: module.running_mean.clone() for name, module in network.named_modules() if name in sizes}
    network(images(1)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
    kept = {name for name in sizes if torch.equal(before[name], network.get_submodule(name).running_mean)}
    assert kept == {name for name, size in sizes.items() if size == 1} != set()
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4), nn.BatchNorm2d(4)])
def test_one_value_gets_what_it_gets_in_evaluation_and_more_get_torchs_own(norm: nn.Module) -> None:
    ours, shape = copy.deepcopy(norm), (4, 1, 1) if isinstance(norm, nn.BatchNorm2d) else (4,)
    accept_one_value(ours)
    assert list(ours.state_dict()) == list(norm.state_dict())
    torch.manual_seed(0)
    for x in (3 + torch.randn(8, *shape), torch.randn(2, *shape)):
        assert torch.equal(ours(x), norm(x))
    alone = torch.randn(1, *shape)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        copy.deepcopy(norm)(alone)
    assert torch.equal(ours(alone), norm.eval()(alone))
    assert all(torch.equal(value, norm.state_dict()[name]) for name, value in ours.state_dict().items())


def test_a_frozen_norm_stays_frozen_and_one_of_a_users_stays_as_it_is() -> None:
    class Own(nn.BatchNorm2d):
        """A user's."""

    network = nn.Sequential(nn.BatchNorm2d(4), Own(4))
    accept_one_value(network)
    network[0].eval()
    network[0](torch.randn(1, 4, 1, 1))
    assert not network[0].training
    assert type(network[1]) is Own


@torch.no_grad()
def test_norms_are_still_replaced_by_those_that_count_over_all_processes() -> None:
    torch.manual_seed(0)
    network = UNet(3, OFFLINE_ENCODER, None).eval()
    expected = network(images(2))
    synchronized = convert_sync_batchnorm(network)
    assert {type(module).__name__ for module in synchronized.modules() if isinstance(module, _BatchNorm)} == {
        "SyncBatchNorm",
        "SyncBatchNormAct",
    }
    assert torch.equal(synchronized(images(2)), expected)
