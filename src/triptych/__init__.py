"""One encoder, three panels: pixels, points and tags, on PyTorch Lightning."""

import importlib
from typing import TYPE_CHECKING, Any

from triptych import _threads as _threads  # first: it must see that torch is imported
from triptych._version import __version__ as __version__
from triptych.errors import needs_training_packages

if TYPE_CHECKING:
    from triptych.datamodules import (
        BIWIDataModule,
        CamVidDataModule,
        IMDBDataModule,
        PlanetDataModule,
        PointsDataModule,
    )
    from triptych.datamodules.hard_examples import read_losses, write_losses
    from triptych.evaluation.top_losses import top_losses
    from triptych.export import export_model
    from triptych.lr_finder import find_lr
    from triptych.metrics import VoidMaskedAccuracy
    from triptych.recipe import Stage, run_recipe
    from triptych.report import write_report
    from triptych.show.confusion import plot_confusion
    from triptych.show.curves import plot_losses, plot_lr
    from triptych.show.prediction import show_prediction
    from triptych.show.results import show_results
    from triptych.show.top_losses import show_top_losses
    from triptych.tasks import LanguageModel, MultiLabelClassifier, PointRegressor, TextClassifier, UNetSegmenter
    from triptych.tasks.training import OneCycleTraining
    from triptych.trainer.messages import quiet

_ROOMS = {
    "BIWIDataModule": "datamodules",
    "CamVidDataModule": "datamodules",
    "IMDBDataModule": "datamodules",
    "LanguageModel": "tasks",
    "MultiLabelClassifier": "tasks",
    "OneCycleTraining": "tasks.training",
    "PlanetDataModule": "datamodules",
    "PointRegressor": "tasks",
    "PointsDataModule": "datamodules",
    "Stage": "recipe",
    "TextClassifier": "tasks",
    "UNetSegmenter": "tasks",
    "VoidMaskedAccuracy": "metrics",
    "export_model": "export",
    "find_lr": "lr_finder",
    "plot_confusion": "show.confusion",
    "plot_losses": "show.curves",
    "plot_lr": "show.curves",
    "quiet": "trainer.messages",
    "read_losses": "datamodules.hard_examples",
    "run_recipe": "recipe",
    "show_prediction": "show.prediction",
    "show_results": "show.results",
    "show_top_losses": "show.top_losses",
    "top_losses": "evaluation.top_losses",
    "write_losses": "datamodules.hard_examples",
    "write_report": "report",
}
"""The module of each name. It is imported when the name is asked for: `triptych.runtime` needs no torch."""

__all__ = [
    "BIWIDataModule",
    "CamVidDataModule",
    "IMDBDataModule",
    "LanguageModel",
    "MultiLabelClassifier",
    "OneCycleTraining",
    "PlanetDataModule",
    "PointRegressor",
    "PointsDataModule",
    "Stage",
    "TextClassifier",
    "UNetSegmenter",
    "VoidMaskedAccuracy",
    "export_model",
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


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_training_packages(f"{__name__}.{name}"):
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
