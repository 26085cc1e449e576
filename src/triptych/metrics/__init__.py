"""Metrics of the three tasks, as torchmetrics."""

from triptych.metrics.point_scores import PointScores
from triptych.metrics.segmentation_scores import SegmentationScores
from triptych.metrics.tag_scores import TagScores
from triptych.metrics.void_masked_accuracy import VoidMaskedAccuracy

__all__ = ["PointScores", "SegmentationScores", "TagScores", "VoidMaskedAccuracy"]
