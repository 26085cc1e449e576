"""Three-band weights serve images of any number of bands."""

import pytest
import torch

from triptych.models import UNet
from triptych.models.encoder import OFFLINE_ENCODER, build_encoder

ENCODERS = ["resnet18", OFFLINE_ENCODER, "mit_b0", "mobileone_s0", "tu-resnet10t"]


def pair(encoder: str, weights: str | None, in_channels: int) -> tuple[UNet, UNet]:
    """The same network for three channels and for `in_channels`, in evaluation."""
    networks = []
    for channels in (3, in_channels):
        torch.manual_seed(0)
        networks.append(UNet(4, encoder, weights, channels).eval())
    adapted = networks[1].state_dict()
    shared = {key: tensor for key, tensor in networks[0].state_dict().items() if adapted[key].shape == tensor.shape}
    assert len(adapted) - len(shared) <= 4  # first convolution (two in MobileOne), mean, std
    networks[1].load_state_dict({**adapted, **shared})
    return networks[0], networks[1]


@pytest.mark.parametrize("in_channels", [4, 6])
@pytest.mark.parametrize("encoder", ENCODERS)
@torch.no_grad()
def test_channels_beyond_three_change_nothing_at_first(encoder, in_channels) -> None:
    colors, bands = pair(encoder, None, in_channels)
    images = torch.randint(256, (2, in_channels, 40, 48), dtype=torch.uint8)
    expected = colors(images[:, :3])
    torch.testing.assert_close(bands(images), expected, rtol=1e-4, atol=1e-5)
    images[:, 3:] = 255 - images[:, 3:]
    torch.testing.assert_close(bands(images), expected, rtol=1e-4, atol=1e-5)


def test_channels_beyond_three_learn() -> None:
    _, bands = pair("resnet18", None, 4)
    bands(torch.randint(256, (1, 4, 32, 32))).square().mean().backward()
    assert bands.encoder.conv1.weight.grad[:, 3].abs().max() > 0


@pytest.mark.parametrize("encoder", ENCODERS)
@torch.no_grad()
def test_one_channel_is_seen_as_the_same_in_all_three(encoder) -> None:
    colors, grey = (network.encoder for network in pair(encoder, None, 1))
    pixels = torch.randn(2, 1, 64, 64)
    for one, three in zip(grey(pixels)[1:], colors(pixels.expand(-1, 3, -1, -1))[1:], strict=True):
        assert (one - three).norm() <= 1e-3 * three.norm()


@torch.no_grad()
def test_a_grey_image_gives_the_logits_of_grey_rgb_where_all_channels_have_the_same_statistics() -> None:
    colors, grey = pair(OFFLINE_ENCODER, "imagenet", 1)
    images = torch.randint(256, (2, 1, 40, 48), dtype=torch.uint8)
    torch.testing.assert_close(grey(images), colors(images.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_two_channels_keep_their_weights_scaled_by_three_halves() -> None:
    colors, two = pair("resnet18", None, 2)
    torch.testing.assert_close(two.encoder.conv1.weight, 1.5 * colors.encoder.conv1.weight[:, :2])
    assert two(torch.zeros(1, 2, 32, 40)).shape == (1, 4, 32, 40)


@pytest.mark.parametrize(
    ("in_channels", "mean", "std"),
    [
        (1, (0.449,), (0.226,)),
        (2, (0.485, 0.456), (0.229, 0.224)),
        (4, (0.485, 0.456, 0.406, 0.449), (0.229, 0.224, 0.225, 0.226)),
    ],
)
def test_statistics_of_unknown_channels_are_the_mean_of_the_known(in_channels, mean, std) -> None:
    network = UNet(2, "resnet18", None, in_channels)
    torch.testing.assert_close(network.mean.flatten() / 255, torch.tensor(mean), rtol=0, atol=1e-6)
    torch.testing.assert_close(network.std.flatten() / 255, torch.tensor(std), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("in_channels", "got"), [(3, 4), (4, 3), (1, 3)])
def test_images_with_another_number_of_channels_are_reported(in_channels, got) -> None:
    network = UNet(2, "resnet18", None, in_channels)
    with pytest.raises(ValueError, match="images") as caught:
        network(torch.zeros(1, got, 32, 32))
    assert str(caught.value) == f"images: expected {in_channels} channels (in_channels), got {got}."


def test_less_than_one_channel_is_reported() -> None:
    with pytest.raises(ValueError, match=r"^in_channels: expected at least 1, got 0\.$"):
        build_encoder("resnet18", None, 0)
