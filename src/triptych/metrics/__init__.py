"""Metrics of the tasks, as torchmetrics."""

from triptych.metrics.category_scores import CategoryScores
from triptych.metrics.point_scores import PointScores
from triptych.metrics.segmentation_scores import SegmentationScores
from triptych.metrics.tag_scores import TagScores
from triptych.metrics.token_scores import TokenScores
from triptych.metrics.void_masked_accuracy import VoidMaskedAccuracy

__all__ = ["CategoryScores", "PointScores", "SegmentationScores", "TagScores", "TokenScores", "VoidMaskedAccuracy"]
