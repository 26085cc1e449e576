"""Plain `nn.Module`s: encoder, heads and the networks made of them."""

from triptych.models.language_network import LanguageNetwork, LanguageOutput
from triptych.models.point_network import PointNetwork
from triptych.models.tag_network import TagNetwork
from triptych.models.text_classifier_network import TextClassifierNetwork
from triptych.models.unet import UNet

__all__ = ["LanguageNetwork", "LanguageOutput", "PointNetwork", "TagNetwork", "TextClassifierNetwork", "UNet"]
