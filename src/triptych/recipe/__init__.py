"""Recipes: stages of training, one after the other, as in the lesson."""

from triptych.recipe.run import run_recipe
from triptych.recipe.stage import Stage

__all__ = ["Stage", "run_recipe"]
