"""Depthwise convolutions whose gradient a CPU computes in float32.

On a CPU the gradient of a depthwise convolution takes 4 to 8 times as long in bfloat16 as in float32; in bfloat16 it is
more than a third of a training step of an EfficientNet (`benchmarks/processor_step.py`). The forward pass does not
differ.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Float32Gradient(torch.autograd.Function):
    """A convolution whose two gradients are computed in float32 and returned in the types of their inputs."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.conv = conv
        return F.conv2d(images, weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images, weight = ctx.saved_tensors
        conv: nn.Conv2d = ctx.conv
        needed = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        grad_images, grad_weight, _ = torch.ops.aten.convolution_backward(
            grads[0].float(), images.float(), weight.float(), None,
            conv.stride, conv.padding, conv.dilation, False, [0, 0], conv.groups, needed,
        )  # fmt: skip
        return grad_images.to(images.dtype) if needed[0] else None, grad_weight if needed[1] else None, None


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise `Conv2d` with a faster gradient in bfloat16 on a CPU."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled():
            return super()._conv_forward(input, weight, bias)  # type: ignore[no-any-return]
        half = input.to(torch.get_autocast_dtype("cpu"))
        output: Tensor = _Float32Gradient.apply(half, weight, self)
        return output if bias is None else output + bias.to(output.dtype).view(1, -1, 1, 1)


def use_float32_gradients(network: nn.Module) -> None:
    """Turns the depthwise convolutions of a network into `DepthwiseConv2d`, without changing weights or names."""
    for module in network.modules():
        # exact type, because a subclass may pad differently
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and module.padding_mode == "zeros":
            module.__class__ = DepthwiseConv2d
