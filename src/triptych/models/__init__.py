"""Plain `nn.Module`s: encoder, heads and the networks made of them."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm, in a notebook without ipywidgets
    import segmentation_models_pytorch  # noqa: F401

from triptych.models.points import PointNetwork
from triptych.models.tags import TagNetwork
from triptych.models.unet import UNet

__all__ = ["PointNetwork", "TagNetwork", "UNet"]
