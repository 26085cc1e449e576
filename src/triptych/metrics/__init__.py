"""Void-aware measures as torchmetrics."""

from triptych.metrics.segmentation_scores import SegmentationScores
from triptych.metrics.void_masked_accuracy import VoidMaskedAccuracy

__all__ = ["SegmentationScores", "VoidMaskedAccuracy"]
