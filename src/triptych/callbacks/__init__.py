"""Callbacks for any Trainer."""

from triptych.callbacks.average import Average
from triptych.callbacks.class_scores import ClassScores
from triptych.callbacks.figure_callback import FigureCallback
from triptych.callbacks.hyper_parameters import HyperParameters
from triptych.callbacks.mask_writer import MaskWriter
from triptych.callbacks.mistakes import Mistakes
from triptych.callbacks.point_writer import PointWriter
from triptych.callbacks.prediction_writer import PredictionWriter
from triptych.callbacks.progress_bar import ProgressBar
from triptych.callbacks.resume_point import ResumePoint
from triptych.callbacks.tag_writer import TagWriter
from triptych.callbacks.text_writer import TextWriter
from triptych.callbacks.training_batch import TrainingBatch
from triptych.callbacks.validation_frames import ValidationFrames
from triptych.tasks.score_report import ScoreReport

__all__ = [
    "Average",
    "ClassScores",
    "FigureCallback",
    "HyperParameters",
    "MaskWriter",
    "Mistakes",
    "PointWriter",
    "PredictionWriter",
    "ProgressBar",
    "ResumePoint",
    "ScoreReport",
    "TagWriter",
    "TextWriter",
    "TrainingBatch",
    "ValidationFrames",
]
