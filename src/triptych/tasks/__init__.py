"""LightningModules of the tasks."""

from triptych.tasks.language_model import LanguageModel
from triptych.tasks.multilabel import MultiLabelClassifier
from triptych.tasks.points import PointRegressor
from triptych.tasks.segmentation import UNetSegmenter
from triptych.tasks.text_classifier import TextClassifier

__all__ = ["LanguageModel", "MultiLabelClassifier", "PointRegressor", "TextClassifier", "UNetSegmenter"]
