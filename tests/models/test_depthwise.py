"""`DepthwiseConv2d` differs from a plain convolution only in the time that its gradient takes."""

import copy

import pytest
import torch
from torch import nn

from triptych.models.depthwise import DepthwiseConv2d, _Float32Gradient, use_float32_gradients

SHAPES = [
    {"kernel_size": 3, "padding": 1, "bias": False},
    {"kernel_size": 5, "stride": 2, "padding": 2},
    {"kernel_size": 3, "padding": 2, "dilation": 2, "bias": False},
]


def pair(multiplier: int = 1, **arguments) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A plain convolution, and its copy turned into one of ours."""
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8 * multiplier, groups=8, **arguments)
    ours = copy.deepcopy(plain)
    use_float32_gradients(ours)
    assert type(ours) is DepthwiseConv2d
    return plain, ours


def gradients(conv: nn.Conv2d, images: torch.Tensor, dtype: torch.dtype | None) -> list[torch.Tensor]:
    """Output and gradients of a loss whose own gradient is not constant."""
    images = images.clone().requires_grad_()
    conv.zero_grad()
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        output = conv(images)
    output.float().square().sum().backward()
    return [output, images.grad, *(parameter.grad for parameter in conv.parameters())]


def pixels() -> torch.Tensor:
    return torch.randn(2, 8, 12, 14, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("arguments", SHAPES)
def test_without_autocast_output_and_gradients_are_the_plain_ones_to_the_bit(arguments, multiplier) -> None:
    plain, ours = pair(multiplier, **arguments)
    for expected, got in zip(gradients(plain, pixels(), None), gradients(ours, pixels(), None), strict=True):
        assert torch.equal(expected, got)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("arguments", SHAPES)
def test_under_autocast_gradients_are_float32s_within_its_rounding(arguments, multiplier, dtype) -> None:
    plain, ours = pair(multiplier, **arguments)
    expected, under_autocast = gradients(plain, pixels(), None), gradients(plain, pixels(), dtype)
    got = gradients(ours, pixels(), dtype)
    assert [tensor.dtype for tensor in got] == [tensor.dtype for tensor in under_autocast]
    for reference, tensor in zip(expected, got, strict=True):
        error = (tensor.float() - reference).norm() / reference.norm()
        assert error < 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(got[0], under_autocast[0], rtol=2 * torch.finfo(dtype).eps, atol=1e-2)


@pytest.mark.parametrize("frozen", ["weight", "input", "both"])
def test_what_needs_no_gradient_gets_none(frozen) -> None:
    _, ours = pair(**SHAPES[0])
    ours.requires_grad_(frozen == "input")
    images = pixels().requires_grad_(frozen == "weight")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = ours(images)
    assert output.requires_grad == (frozen != "both")
    if frozen != "both":
        output.float().sum().backward()
    assert (ours.weight.grad is None, images.grad is None) == (frozen != "input", frozen != "weight")


def test_a_layer_used_twice_adds_up_both_gradients() -> None:
    plain, ours = pair(**SHAPES[0])
    results = []
    for conv in (plain, ours):
        images = pixels().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=conv is ours):
            conv(conv(images)).float().square().sum().backward()
        results.append((images.grad, conv.weight.grad))
    for expected, got in zip(*results, strict=True):
        assert (got - expected).norm() / expected.norm() < 4 * torch.finfo(torch.bfloat16).eps


@pytest.mark.parametrize(("autocast", "grad", "used"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_own_gradient_is_used_only_where_bfloat16_needs_one(monkeypatch, autocast, grad, used) -> None:
    calls = []
    apply = _Float32Gradient.apply
    monkeypatch.setattr(_Float32Gradient, "apply", lambda *inputs: calls.append(1) or apply(*inputs))
    _, ours = pair(**SHAPES[0])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast), torch.set_grad_enabled(grad):
        ours(pixels())
    assert len(calls) == used


def test_only_plain_depthwise_convolutions_change_and_no_name_or_weight_does() -> None:
    class Padded(nn.Conv2d):
        """Pads in a way of its own."""

    network = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Conv2d(4, 8, 3, groups=4),
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(1, 1, 3),
        nn.Conv2d(4, 4, 3, groups=4, padding=1, padding_mode="reflect"),
        Padded(4, 4, 3, groups=4),
    )
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    use_float32_gradients(network)
    assert [type(conv) is DepthwiseConv2d for conv in network] == [True, True, *[False] * 5]
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
