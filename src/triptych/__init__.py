"""One encoder, three panels: pixels, points and tags, on PyTorch Lightning."""

__version__ = "0.1.0"

from triptych.datamodules import CamVidDataModule
from triptych.metrics import VoidMaskedAccuracy
from triptych.tasks import UNetSegmenter

__all__ = ["CamVidDataModule", "UNetSegmenter", "VoidMaskedAccuracy"]
