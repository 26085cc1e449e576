"""Plain `nn.Module`s: encoder, heads and the networks made of them."""

from triptych.models.point_network import PointNetwork
from triptych.models.tag_network import TagNetwork
from triptych.models.unet import UNet

__all__ = ["PointNetwork", "TagNetwork", "UNet"]
