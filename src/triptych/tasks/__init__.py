"""The three tasks as LightningModules."""

from triptych.tasks.multilabel import MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter

__all__ = ["MultiLabelClassifier", "PointRegressor", "UNetSegmenter"]
