"""The lesson's augmentations as albumentations pipelines, one preset a task."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or albumentations asks the network for a newer one at import

from triptych.transforms.presets import Pipeline, biwi_pipeline, camvid_pipeline, evaluation_pipeline, planet_pipeline

__all__ = ["Pipeline", "biwi_pipeline", "camvid_pipeline", "evaluation_pipeline", "planet_pipeline"]
