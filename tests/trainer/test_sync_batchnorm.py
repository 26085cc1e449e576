"""Networks with synchronised batch-norm compute what they did before, and get their own layers back.

torch's synchronised batch-norm computes on GPUs alone, so a fit in two processes is tested without its exchange between
them, in `test_two_processes.py`.
"""

import copy
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.plugins.layer_sync import TorchSyncBatchNorm
from torch import Tensor, nn

from triptych.models import PointNetwork, TagNetwork, UNet
from triptych.models.encoder import OFFLINE_ENCODER
from triptych.models.layer_groups import batch_norms
from triptych.models.network import TransferNetwork
from triptych.trainer.sync_batchnorm import SyncBatchNorm, keep_activations

ENCODERS = [OFFLINE_ENCODER, "resnet18", "timm-mobilenetv3_small_minimal_100", "timm-regnetx_002"]


def network_of(kind: type[TransferNetwork] = UNet, encoder: str = OFFLINE_ENCODER) -> TransferNetwork:
    torch.manual_seed(0)
    return kind(3, encoder, None)  # type: ignore[call-arg]


def logits(network: nn.Module) -> Tensor:
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)  # for dropout
    with torch.no_grad():
        return network(images)  # type: ignore[no-any-return]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("kind", [UNet, PointNetwork, TagNetwork])
def test_a_synchronised_network_gives_the_same_logits(kind: type[TransferNetwork], encoder: str) -> None:
    network = network_of(kind, encoder)
    trained = copy.deepcopy(network)
    expected = logits(trained), logits(trained.eval())
    norms = len([*batch_norms(network)])
    SyncBatchNorm().apply(network)
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in batch_norms(network))
    assert len([*batch_norms(network)]) == norms
    assert all(map(torch.equal, (logits(network), logits(network.eval())), expected))
    assert [*network.state_dict()] == [*trained.state_dict()]
    assert all(map(torch.equal, network.state_dict().values(), trained.state_dict().values()))


def test_the_layers_that_come_back_are_the_same_ones_with_what_was_trained() -> None:
    network = network_of()
    twin, layers = copy.deepcopy(network), dict(network.named_modules())
    plugin = SyncBatchNorm()
    plugin.apply(network)
    for one in (network, twin):
        one.double()  # replaces buffers, as a move to a GPU does
        logits(one)
        one.freeze_to(-1, train_bn=False)
    plugin.revert(network)
    assert dict(network.named_modules()) == layers
    assert [module.training for module in network.modules()] == [module.training for module in twin.modules()]
    frozen = [norm for norm in batch_norms(network) if not norm.training]
    assert 0 < len(frozen) < len([*batch_norms(network)])
    trained = [name for name, parameter in twin.named_parameters() if parameter.requires_grad]
    assert [name for name, parameter in network.named_parameters() if parameter.requires_grad] == trained != []
    torch.testing.assert_close(network.state_dict(), twin.state_dict(), rtol=0, atol=0)
    assert torch.equal(logits(network), logits(twin))


def test_a_layer_with_two_names_comes_back_under_both() -> None:
    norm = nn.BatchNorm2d(4)
    network = nn.ModuleDict({"a": nn.Sequential(norm), "b": nn.Sequential(nn.ReLU(), norm)})
    plugin = SyncBatchNorm()
    plugin.apply(network)
    assert {type(network.get_submodule(name)) for name in ("a.0", "b.1")} == {nn.SyncBatchNorm}
    plugin.revert(network)
    assert network.get_submodule("a.0") is network.get_submodule("b.1") is norm


class Own(TorchSyncBatchNorm):
    """A user's."""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"devices": 2, "strategy": "ddp", "sync_batchnorm": True}, SyncBatchNorm),
        ({"devices": 1, "strategy": "ddp", "sync_batchnorm": True}, type(None)),  # nothing to count over
        ({"devices": 2, "strategy": "ddp", "plugins": [Own()]}, Own),
        ({"devices": 2, "strategy": "ddp"}, type(None)),
    ],
)
def test_lightnings_own_is_replaced_where_there_are_several_processes(
    settings: dict[str, Any], expected: type[object]
) -> None:
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, **settings)
    keep_activations(trainer)
    assert type(trainer.strategy._layer_sync) is expected  # type: ignore[attr-defined]


def test_a_single_device_has_nothing_to_replace() -> None:
    keep_activations(L.Trainer(accelerator="cpu", devices=1, logger=False, sync_batchnorm=True))
