"""The lesson's augmentations as albumentations pipelines, one preset per task."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or albumentations looks for updates online at import

from triptych.transforms.presets import (
    Pipeline,
    biwi_pipeline,
    camvid_pipeline,
    evaluation_pipeline,
    planet_pipeline,
    whole_pipeline,
)
from triptych.transforms.shrinking import Shrinking, shrinking_of

__all__ = [
    "Pipeline",
    "Shrinking",
    "biwi_pipeline",
    "camvid_pipeline",
    "evaluation_pipeline",
    "planet_pipeline",
    "shrinking_of",
    "whole_pipeline",
]
