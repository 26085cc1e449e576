"""Callbacks that any Trainer can take."""

from triptych.callbacks.mask_writer import MaskWriter
from triptych.callbacks.point_writer import PointWriter
from triptych.callbacks.prediction_writer import PredictionWriter
from triptych.callbacks.progress_bar import ProgressBar
from triptych.callbacks.resume_point import ResumePoint
from triptych.callbacks.score_report import ScoreReport
from triptych.callbacks.tag_writer import TagWriter

__all__ = ["MaskWriter", "PointWriter", "PredictionWriter", "ProgressBar", "ResumePoint", "ScoreReport", "TagWriter"]
