"""Callbacks that any Trainer can take."""

from triptych.callbacks.class_table import ClassTable
from triptych.callbacks.mask_writer import MaskWriter
from triptych.callbacks.progress_bar import ProgressBar

__all__ = ["ClassTable", "MaskWriter", "ProgressBar"]
