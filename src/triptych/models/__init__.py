"""Plain `nn.Module`s: encoder, heads and the networks made of them."""

from triptych.models.unet import UNet

__all__ = ["UNet"]
