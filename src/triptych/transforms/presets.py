"""One training pipeline per task, with the lesson's values, and a pipeline that only resizes."""

from collections.abc import Sequence
from typing import TypeAlias

import albumentations as A
import cv2

from triptych.transforms.geometry import LessonGeometry
from triptych.transforms.lighting import LessonLighting
from triptych.views import Pairs

Pipeline: TypeAlias = A.Compose
"""Transforms that move image, mask and points together."""


def evaluation_pipeline(image_size: tuple[int, int]) -> Pipeline:
    """Resizes to `image_size` (height, width) and changes nothing else.

    Shrinking averages the pixels of the image, against aliasing; masks take the nearest id.
    """
    height, width = image_size
    resize = A.Resize(height, width, mask_interpolation=cv2.INTER_NEAREST, area_for_downscale="image")
    return _with_points([resize])


def whole_pipeline() -> Pipeline:
    """Changes nothing: an image and its mask keep their size."""
    return Pipeline([])


def camvid_pipeline(
    image_size: tuple[int, int], ignore_index: int, min_area: float = 1.0, crops: int = 1, rare: Sequence[int] = ()
) -> Pipeline:
    """CamVid's training pipeline: flip; rotation 10 degrees, zoom 1.1, warp 0.2 and lighting 0.2, each with p 0.75.

    Args:
        image_size: (height, width) in pixels of the result.
        ignore_index: Class id of pixels that the warp uncovers.
        min_area: Smallest fraction of a frame's area that a random crop keeps; 1 takes the zoom instead of crops.
        crops: Number of draws of which the one with the most pixels of rare classes is kept.
        rare: The ids of these classes.

    Source: fast.ai 2019, lesson 3: `get_transforms()` with its defaults; the crops follow fastai's `RandomResizedCrop`,
    but keep the proportions of the frame.
    """
    geometry = LessonGeometry(
        image_size,
        max_rotate=10,
        max_zoom=1.1,
        max_warp=0.2,
        p_affine=0.75,
        fill_mask=ignore_index,
        min_area=min_area,
        crops=crops,
        rare=rare,
    )
    return Pipeline([geometry, LessonLighting(max_lighting=0.2, p_lighting=0.75)])


def biwi_pipeline(image_size: tuple[int, int], flip_pairs: Pairs | None = ()) -> Pipeline:
    """BIWI's training pipeline: flip, rotation 20 degrees, zoom 1.5, warp 0.4, lighting 0.5, always applied.

    Args:
        image_size: (height, width) in pixels of the result.
        flip_pairs: Indices of the points that are each other's mirror images, such as a left and a right eye, and
            change places in a mirrored image; None mirrors no image.

    Source: fast.ai 2019, lesson 3: `get_transforms(max_rotate=20, max_zoom=1.5, max_lighting=0.5, max_warp=0.4,
    p_affine=1, p_lighting=1)`.
    """
    geometry = LessonGeometry(
        image_size,
        max_rotate=20,
        max_zoom=1.5,
        max_warp=0.4,
        p_affine=1,
        symmetries="none" if flip_pairs is None else "mirror",
        flip_pairs=flip_pairs or (),
    )
    return _with_points([geometry, LessonLighting(max_lighting=0.5, p_lighting=1)])


def planet_pipeline(image_size: tuple[int, int]) -> Pipeline:
    """Planet's training pipeline: the eight symmetries of the square, rotation 10 degrees, zoom 1.05, lighting 0.1.

    Source: fast.ai 2019, lesson 3: `get_transforms(flip_vert=True, max_lighting=0.1, max_zoom=1.05, max_warp=0)`.
    """
    geometry = LessonGeometry(image_size, max_rotate=10, max_zoom=1.05, max_warp=0, p_affine=0.75, symmetries="square")
    return Pipeline([geometry, LessonLighting(max_lighting=0.1, p_lighting=0.75)])


def _with_points(transforms: list[A.BasicTransform]) -> Pipeline:
    """Pipeline that never drops a point and records what was applied in `applied_transforms`."""
    points = A.KeypointParams(format="xy", remove_invisible=False)
    return Pipeline(transforms, keypoint_params=points, save_applied_params=True)
