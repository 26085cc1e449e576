"""One encoder, three panels: pixels, points and tags, on PyTorch Lightning."""

__version__ = "0.1.0"

from triptych.datamodules import BIWIDataModule, CamVidDataModule, PlanetDataModule
from triptych.metrics import VoidMaskedAccuracy
from triptych.tasks import MultiLabelClassifier, PointRegressor, UNetSegmenter

__all__ = [
    "BIWIDataModule",
    "CamVidDataModule",
    "MultiLabelClassifier",
    "PlanetDataModule",
    "PointRegressor",
    "UNetSegmenter",
    "VoidMaskedAccuracy",
]
