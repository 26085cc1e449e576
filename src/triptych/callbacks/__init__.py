"""Callbacks that any Trainer can take."""

from triptych.callbacks.class_table import ClassTable
from triptych.callbacks.mask_writer import MaskWriter
from triptych.callbacks.point_writer import PointWriter
from triptych.callbacks.prediction_writer import PredictionWriter
from triptych.callbacks.progress_bar import ProgressBar
from triptych.callbacks.tag_table import TagTable
from triptych.callbacks.tag_writer import TagWriter

__all__ = ["ClassTable", "MaskWriter", "PointWriter", "PredictionWriter", "ProgressBar", "TagTable", "TagWriter"]
