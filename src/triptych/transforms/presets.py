"""One pipeline a task, with the lesson's values, and the one that only resizes."""

import albumentations as A
import cv2

from triptych.transforms.geometry import LessonGeometry
from triptych.transforms.lighting import LessonLighting


def evaluation_pipeline(image_size: tuple[int, int]) -> A.Compose:
    """Resizes to `image_size` (height, width) and changes nothing else."""
    return A.Compose([_resize(image_size)])


def street_pipeline(image_size: tuple[int, int], ignore_index: int) -> A.Compose:
    """CamVid's training pipeline: flip, rotation 10 degrees, zoom 1.1, warp 0.2, lighting 0.2, each with p 0.75.

    Source: fast.ai 2019, lesson 3: `get_transforms()` with its defaults.
    """
    return A.Compose(
        [
            _resize(image_size),
            LessonGeometry(max_rotate=10, max_zoom=1.1, max_warp=0.2, p_affine=0.75, fill_mask=ignore_index),
            LessonLighting(max_lighting=0.2, p_lighting=0.75),
        ]
    )


def _resize(image_size: tuple[int, int]) -> A.Resize:
    """Averages when it shrinks the picture, so that fine detail does not flicker; masks take the nearest id."""
    height, width = image_size
    return A.Resize(height, width, mask_interpolation=cv2.INTER_NEAREST, area_for_downscale="image")
