"""The U-Net takes plain pixels of any size, with any encoder, and wastes no parameter."""

import pytest
import segmentation_models_pytorch as smp
import torch

from triptych.models import UNet
from triptych.models.encoder import IMAGENET_STATS, OFFLINE_ENCODER


@pytest.fixture(scope="module")
def network() -> UNet:
    torch.manual_seed(0)
    return UNet(5, "resnet18", None).eval()


@pytest.mark.parametrize("size", [(64, 96), (65, 95), (33, 31), (31, 64), (7, 50), (1, 1)])
@torch.no_grad()
def test_logits_have_the_height_and_width_of_the_image(network, size) -> None:
    logits = network(torch.randint(256, (2, 3, *size), dtype=torch.uint8))
    assert logits.shape == (2, 5, *size)
    assert logits.isfinite().all()


@torch.no_grad()
def test_an_odd_image_gets_the_logits_of_the_same_image_with_its_edge_repeated(network) -> None:
    images = torch.randint(256, (1, 3, 50, 70), dtype=torch.uint8)
    rows, columns = torch.arange(64).clamp(max=49), torch.arange(96).clamp(max=69)
    torch.testing.assert_close(network(images), network(images[:, :, rows][..., columns])[..., :50, :70])


@torch.no_grad()
def test_logits_are_those_of_the_librarys_unet_on_normalised_pixels() -> None:
    """Same encoder, decoder and head, so weights can be exchanged."""
    network, reference = UNet(5, "resnet18", None).eval(), smp.Unet("resnet18", encoder_weights=None, classes=5).eval()
    state = network.state_dict()
    state = {key: state[key.replace("segmentation_head", "head")] for key in reference.state_dict()}
    reference.load_state_dict(state)
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET_STATS)
    torch.testing.assert_close(network(images), reference((images / 255 - mean) / std), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_uint8_and_float_of_the_same_values_are_alike(network) -> None:
    images = torch.randint(256, (2, 3, 40, 56), dtype=torch.uint8)
    assert torch.equal(network(images), network(images.float()))


def test_pixels_are_normalised_once_by_the_encoders_statistics() -> None:
    network = UNet(2, OFFLINE_ENCODER, "imagenet")
    pixels = torch.tensor([0, 51, 127.5, 255]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
    expected = torch.tensor([-1, -0.6, 0, 1]).expand(1, 3, 1, 4)
    torch.testing.assert_close(network.normalize(pixels), expected)
    seen = []
    network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.eval()(pixels)
    torch.testing.assert_close(seen[0][..., :1, :4], expected)


@torch.no_grad()
def test_statistics_move_with_the_state_dict() -> None:
    source, other = UNet(2, OFFLINE_ENCODER, "imagenet").eval(), UNet(2, OFFLINE_ENCODER, None).eval()
    source.mean.fill_(100)
    other.load_state_dict(source.state_dict())
    images = torch.randint(256, (1, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(other.normalize(images), (images - 100.0) / 127.5)
    assert torch.equal(other(images), source(images))


@torch.no_grad()
def test_weights_pixels_and_logits_are_channels_last(network) -> None:
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    assert network.normalize(images).is_contiguous(memory_format=torch.channels_last)
    assert network.encoder.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert network(images).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "encoder", ["resnet34", "resnet50", OFFLINE_ENCODER, "efficientnet-b0", "vgg11_bn", "mit_b0", "tu-convnext_atto"]
)
@torch.no_grad()
def test_encoders_of_all_families_fit(encoder) -> None:
    assert UNet(3, encoder, None).eval()(torch.zeros(1, 3, 40, 33)).shape == (1, 3, 40, 33)


@pytest.mark.parametrize("encoder", ["resnet34", OFFLINE_ENCODER, "efficientnet-b0", "tu-resnet10t"])
def test_every_parameter_gets_a_gradient(encoder) -> None:
    network = UNet(3, encoder, None)
    network(torch.randint(256, (2, 3, 64, 64))).square().mean().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
