"""Strided 1x1 convolutions of few channels whose gradient does not corrupt memory on a CPU.

For the gradient of the weights oneDNN first copies every second pixel into a workspace. In channels-last memory it
writes past the end of that workspace if the convolution has fewer input channels than a vector of the processor: the
process ends in "double free or corruption", or the gradient is wrong. The encoders `mobileone_*` have such a layer; the
table of `benchmarks/encoders.py` says which others do.

Source: https://github.com/uxlfoundation/oneDNN/issues/6035
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_VECTOR = 16
"""Values of float32 in a vector of AVX-512, the widest; AVX2 has 8."""


class SubsampledConv2d(nn.Conv2d):
    """A strided 1x1 `Conv2d` without padding that takes the pixels of its stride itself, in training on a CPU."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or not torch.is_grad_enabled():
            return super()._conv_forward(input, weight, bias)  # type: ignore[no-any-return]
        rows, columns = self.stride
        return F.conv2d(input[..., ::rows, ::columns], weight, bias)


def use_subsampling(network: nn.Module) -> None:
    """Turns the convolutions of a network that need it into `SubsampledConv2d`, without changing weights or names."""
    for module in network.modules():
        # exact type, because a subclass may pad differently
        if type(module) is nn.Conv2d and _is_affected(module):
            module.__class__ = SubsampledConv2d


def _is_affected(conv: nn.Conv2d) -> bool:
    is_strided = conv.kernel_size == (1, 1) and max(conv.stride) > 1 and conv.padding == (0, 0)
    return is_strided and conv.groups == 1 and conv.in_channels < _VECTOR
