"""Stages of training, one after the other, as the lesson goes."""

from triptych.recipe.run import run_recipe
from triptych.recipe.stage import Stage

__all__ = ["Stage", "run_recipe"]
