"""Plain `nn.Module`s: encoder, heads and the networks made of them."""

from triptych.models.points import PointNetwork
from triptych.models.tags import TagNetwork
from triptych.models.unet import UNet

__all__ = ["PointNetwork", "TagNetwork", "UNet"]
