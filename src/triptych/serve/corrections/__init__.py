"""Corrections of a model's answers, saved as data in the layout of its data set."""

from triptych.serve.corrections.folder import Corrections

__all__ = ["Corrections"]
