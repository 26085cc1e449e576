"""One encoder, three panels: pixels, points and tags, on PyTorch Lightning."""

from triptych import _threads as _threads  # first: OpenMP reads what it sets when torch is loaded
from triptych._version import __version__ as __version__
from triptych.datamodules import BIWIDataModule, CamVidDataModule, PlanetDataModule, PointsDataModule
from triptych.datamodules.hard_examples import read_losses, write_losses
from triptych.evaluation.top_losses import top_losses
from triptych.lr_finder import find_lr
from triptych.metrics import VoidMaskedAccuracy
from triptych.recipe import Stage, run_recipe
from triptych.report import write_report
from triptych.show.confusion import plot_confusion
from triptych.show.curves import plot_losses, plot_lr
from triptych.show.prediction import show_prediction
from triptych.show.results import show_results
from triptych.show.top_losses import show_top_losses
from triptych.tasks import MultiLabelClassifier, PointRegressor, UNetSegmenter
from triptych.trainer.messages import quiet

__all__ = [
    "BIWIDataModule",
    "CamVidDataModule",
    "MultiLabelClassifier",
    "PlanetDataModule",
    "PointRegressor",
    "PointsDataModule",
    "Stage",
    "UNetSegmenter",
    "VoidMaskedAccuracy",
    "find_lr",
    "plot_confusion",
    "plot_losses",
    "plot_lr",
    "quiet",
    "read_losses",
    "run_recipe",
    "show_prediction",
    "show_results",
    "show_top_losses",
    "top_losses",
    "write_losses",
    "write_report",
]
