"""The three tasks as LightningModules."""

from triptych.tasks.segmentation import UNetSegmenter

__all__ = ["UNetSegmenter"]
