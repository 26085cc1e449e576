"""The lesson's augmentations as albumentations pipelines, one preset a task."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or albumentations asks the network for a newer one at import

from triptych.transforms.presets import evaluation_pipeline, portrait_pipeline, street_pipeline, tile_pipeline

__all__ = ["evaluation_pipeline", "portrait_pipeline", "street_pipeline", "tile_pipeline"]
