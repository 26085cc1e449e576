"""Depthwise convolutions whose gradient a processor computes in float32.

In bfloat16 the gradient of a depthwise convolution takes 4 to 8 times as long on a processor as in float32, and with
it more than a third of a training step of an EfficientNet (`benchmarks/processor_step.py`); the forward pass is alike.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _Float32Gradient(torch.autograd.Function):
    """A convolution as usual; its two gradients are computed in float32 and returned in the types of their inputs."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, conv: nn.Conv2d) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.conv = conv
        return F.conv2d(images, weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images, weight = ctx.saved_tensors
        conv: nn.Conv2d = ctx.conv
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False]
        of_images, of_weight, _ = torch.ops.aten.convolution_backward(
            grads[0].float(), images.float(), weight.float(), None,
            conv.stride, conv.padding, conv.dilation, False, [0, 0], conv.groups, wanted,
        )  # fmt: skip
        return of_images.to(images.dtype) if wanted[0] else None, of_weight if wanted[1] else None, None


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise `Conv2d`, the same but for the time its gradient takes in bfloat16 on a processor."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu") or not torch.is_grad_enabled():
            return super()._conv_forward(input, weight, bias)  # type: ignore[no-any-return]
        half = input.to(torch.get_autocast_dtype("cpu"))
        output: Tensor = _Float32Gradient.apply(half, weight, self)
        return output if bias is None else output + bias.to(output.dtype).view(1, -1, 1, 1)


def use_float32_gradients(network: nn.Module) -> None:
    """Turns the depthwise convolutions of a network into `DepthwiseConv2d`, weights and names untouched."""
    for module in network.modules():
        # an exact type: subclasses pad in ways of their own
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and module.padding_mode == "zeros":
            module.__class__ = DepthwiseConv2d
