"""The three tasks as LightningModules."""

from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter
from triptych.tasks.tags import MultiLabelClassifier

__all__ = ["MultiLabelClassifier", "PointRegressor", "UNetSegmenter"]
